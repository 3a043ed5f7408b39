import type { Timer } from "../../base/index.ts";
import type { Encoding } from "../encoding.ts";
import { LiveError } from "../live-error.ts";
import { Subscription } from "../subscription.ts";
import type { Topic } from "../topic.ts";
import type { Params } from "../topic-declaration.ts";
import { freshWalk } from "../walk.ts";
import { parseObject } from "./client-message.ts";
import { LiveCloseCode } from "./live-close-code.ts";
import type { LivePeer } from "./live-peer.ts";
import type { Outlet } from "../outlet.ts";
import type { Realm, Session } from "./session.ts";

/**
 * A Level 0 client: any WebSocket, one topic, params in and data out.
 *
 * What goes wrong is said with a close code, the only thing such a client is sure to see.
 */
export class DataSession implements Session, Outlet {
  readonly #realm: Realm;
  readonly #peer: LivePeer;
  readonly #topic: Topic;
  readonly #encoding: Encoding;
  readonly #params: Params | undefined;
  #subscription: Subscription | undefined;
  #deadline: Timer | undefined;

  /** @param params from the URL's query; without them the first message brings them */
  constructor(
    realm: Realm,
    peer: LivePeer,
    source: { topic: Topic; encoding: Encoding; params: Params | undefined },
  ) {
    this.#realm = realm;
    this.#peer = peer;
    this.#topic = source.topic;
    this.#encoding = source.encoding;
    this.#params = source.params;
  }

  start(): void {
    const { wheel, limits } = this.#realm;
    if (this.#params !== undefined) return this.#subscribe(this.#params);
    this.#deadline = wheel.after(limits.paramsTimeoutMs, () =>
      this.#peer.close(
        LiveCloseCode.Timeout,
        "no params came; send a JSON object, {} for everything",
      ),
    );
  }

  onMessage(message: string | Uint8Array): void {
    if (typeof message !== "string") {
      this.#peer.close(LiveCloseCode.BadMessage, "params are a text message, not a binary one");
      return;
    }
    const params = message.trim() === "" ? {} : parseObject(message);
    if (params === undefined) {
      this.#peer.close(LiveCloseCode.BadMessage, "params must be a JSON object");
    } else {
      this.#subscribe(params);
    }
  }

  onDrain(): void {
    this.#subscription?.pump();
  }

  onTooLarge(): void {
    this.#peer.close(LiveCloseCode.TooLarge, "params are shorter than that");
  }

  /** Nobody is told where this client stands, but what it has need not be kept for it. */
  onTick(): void {
    this.#subscription?.takeUntold();
  }

  onDraining(): void {}

  onClosed(): void {
    this.#deadline?.cancel();
    this.#subscription?.end();
  }

  get bufferedAmount(): number {
    return this.#peer.bufferedAmount;
  }

  write(bytes: Uint8Array): void {
    this.#peer.sendFrames(bytes);
  }

  watchDrain(): void {
    this.#peer.watchDrain();
  }

  fail(cause: unknown): void {
    this.#realm.report(cause);
    this.#peer.close(LiveCloseCode.InternalError, "internal error");
  }

  #subscribe(params: Params): void {
    this.#deadline?.cancel();
    this.#subscription?.end();
    this.#subscription = undefined;
    const topic = this.#topic;
    try {
      const view = topic.view(params);
      const source = { topic, view, encoding: this.#encoding, walk: freshWalk(topic) };
      this.#subscription = new Subscription(source, this, () => {
        this.#peer.close(LiveCloseCode.TooSlow, "events were lost to you; connect again");
        return "ended";
      });
      this.#subscription.pump();
    } catch (error) {
      if (!(error instanceof LiveError)) return this.fail(error);
      const isParams = error.code === "invalid_params";
      const code = isParams ? LiveCloseCode.InvalidParams : LiveCloseCode.Overloaded;
      this.#peer.close(code, reasonOf(error));
    }
  }
}

/** A close reason has room for 123 bytes. */
function reasonOf(error: LiveError): string {
  return error.message.replace(/[^\x20-\x7e]/g, "?").slice(0, 120);
}
