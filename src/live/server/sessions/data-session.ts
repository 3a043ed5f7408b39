import { type Timer, onceAvailable } from "../../../base/index.ts";
import {
  type Encoding,
  LiveError,
  type SendBuffer,
  type Params,
  type Position,
  readValue,
  recover,
  type StartingPoint,
  startOf,
  Subscription,
  SUBSCRIPTION_BYTES,
  textBytes,
  type Topic,
  type Walk,
} from "../../../topics/index.ts";
import { mostUnknownBytes } from "../limits.ts";
import { payerOf, type Caller } from "./caller.ts";
import { paramsOf } from "../../wire/client-message.ts";
import type { Credentials } from "../access/credentials.ts";
import type { Verdict } from "../access/logins.ts";
import { closeCodeOf, LiveCloseCode } from "../../wire/close-code.ts";
import type { LivePeer } from "../live-peer.ts";
import { addressOf, held, payAs, type Release } from "../access/paying.ts";
import { permitToRead } from "../access/permit.ts";
import { requireTopic, unknownTopic } from "../publish.ts";
import type { LimitReached, LiveCore, Session } from "./session.ts";
import { SessionIdentity } from "./session-identity.ts";
import type { Ending } from "./connected-client.ts";

/** The topic that a Level 0 client reads. */
interface DataSource {
  /** The topic's name. */
  readonly name: string;
  readonly encoding: Encoding;
  /** From the URL's query; if absent, the first message must contain them. */
  readonly params: Params | undefined;
  /** Where it starts; absent to start with a keyed topic's state or a log topic's next event. */
  readonly from: StartingPoint | undefined;
  /** The client's address. */
  readonly address: string | undefined;
}

/**
 * A Level 0 client: any WebSocket, one topic, params in and data out.
 *
 * Failures are reported with a close code, because that is the only thing such a client is sure to
 * see.
 */
export class DataSession implements Session, SendBuffer {
  readonly #core: LiveCore;
  readonly #peer: LivePeer;
  readonly #name: string;
  readonly #encoding: Encoding;
  /** The params that it sent last; at first those of the URL's query. */
  #params: Params | undefined;
  readonly #from: StartingPoint | undefined;
  readonly who: SessionIdentity;
  /** Authentication or authorization is in progress. */
  #pending: Promise<void> | undefined;
  #subscription: Subscription | undefined;
  /** Refunds what the subscription costs. */
  #release: Release = () => {};
  /** The payer until the client is authenticated. */
  readonly #address: string;
  #deadline: Timer | undefined;

  constructor(core: LiveCore, peer: LivePeer, source: DataSource) {
    this.#core = core;
    this.#peer = peer;
    this.#address = addressOf(peer);
    this.#name = source.name;
    this.#encoding = source.encoding;
    this.#params = source.params;
    this.#from = source.from;
    const { account } = peer;
    const { address } = source;
    this.who = new SessionIdentity(core, { level: 0, account, address }, () => this.#expire());
  }

  start(credentials: Credentials): void {
    const { logins } = this.#core;
    if (logins.areRequired) this.#peer.limitMessages(mostUnknownBytes(this.#core.limits));
    this.#waitFor(
      // Level 0 has no `hello` that could still bring a token.
      onceAvailable(logins.decide(credentials, this.#address), (result) => this.#onShown(result)),
    );
  }

  onMessage(message: string | Uint8Array): void | Promise<void> {
    if (this.#pending !== undefined) return this.#pending.then(() => this.onMessage(message));
    const { caller } = this.who;
    if (!this.#peer.isOpen || caller === undefined) return;
    if (typeof message !== "string") {
      this.#peer.close(LiveCloseCode.BadMessage, "params must be a text message, not a binary one");
      return;
    }
    const part = readValue(message.trim() === "" ? "{}" : message);
    if (part?.isObject !== true) {
      this.#peer.close(LiveCloseCode.BadMessage, "params must be a JSON object");
      return;
    }
    const params = paramsOf(part);
    if (typeof params === "string") return this.#refuse(new LiveError("invalid_params", params));
    this.#core.statistics.received += 1;
    this.#waitFor(this.#narrow(params, caller));
    return this.#pending;
  }

  onDrain(): void {
    this.#subscription?.pump();
  }

  onLimit({ code }: LimitReached): void {
    if (code === "message_timeout") {
      this.#peer.close(LiveCloseCode.Timeout, "the params did not arrive completely in time");
    } else if (code === "over_share") {
      this.#peer.close(
        LiveCloseCode.TooMany,
        "your share of memory is used up; connect again later",
      );
    } else {
      this.#peer.close(LiveCloseCode.TooLarge, "the params are too long");
    }
  }

  /** A Level 0 client has no position, so the reader may advance past events that do not match. */
  onTick(): void {
    this.#subscription?.takeUntold();
  }

  onDraining(): void {
    this.#peer.close(LiveCloseCode.Restarting, "the server is going away; connect again");
  }

  onClosed(): void {
    this.#deadline?.cancel();
    this.who.end();
    this.#core.roster.remove(this);
    this.#endSubscription();
  }

  follows(topic: string): boolean {
    return this.#subscription !== undefined && topic === this.#name;
  }

  disconnect({ code, message }: Ending): void {
    this.#core.statistics.closedByCommand += 1;
    this.#peer.close(code, reasonOf(message));
  }

  unsubscribe(topic: string): void {
    if (this.follows(topic)) this.#refuse(notAllowed(topic));
  }

  recheck(): void {
    const { caller } = this.who;
    const params = this.#params;
    if (caller === undefined || params === undefined) return;
    this.#permitted(params, caller).catch((error: unknown) => this.#refuse(error));
  }

  get subscriptionCount(): number {
    return this.#subscription === undefined ? 0 : 1;
  }

  get isWaiting(): boolean {
    return this.bufferedAmount > 0;
  }

  get bufferedAmount(): number {
    return this.#peer.bufferedAmount;
  }

  write(bytes: Uint8Array): void {
    this.#core.statistics.wrote(bytes);
    this.#peer.sendFrames(bytes);
  }

  watchDrain(): void {
    this.#peer.watchDrain();
  }

  fail(cause: unknown): void {
    this.#core.report(cause);
    this.#peer.close(LiveCloseCode.InternalError, "internal error");
  }

  #onShown(result: Verdict): void | Promise<void> {
    if (!this.#peer.isOpen) return;
    if (result.kind === "refused") {
      this.#core.statistics.unauthorized += 1;
      return this.#refuse(result.error);
    }
    const refusal = this.#core.authenticator.refusalOf(result.identity);
    if (refusal !== undefined) return this.#refuse(refusal);
    try {
      payAs(this.#core.ledger, this.#peer.account, result.identity);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#peer.limitMessages(this.#core.limits.maxMessageBytes);
    const caller = this.who.letIn(result.identity);
    this.#core.roster.announce(this);
    if (this.#params !== undefined) return this.#narrow(this.#params, caller);
    // After authentication, so that unauthenticated clients cannot probe for topic names.
    const exists = this.#core.catalog.find(this.#name) !== undefined;
    if (!exists) return this.#refuse(unknownTopic(this.#name));
    const { wheel, limits } = this.#core;
    this.#deadline = wheel.after(limits.paramsTimeoutMs, () =>
      this.#peer.close(
        LiveCloseCode.Timeout,
        "no params received; send a JSON object, {} for everything",
      ),
    );
  }

  async #permitted(params: Params, caller: Caller): Promise<void> {
    const entry = requireTopic(this.#core, this.#name);
    await permitToRead(entry, this.#core.authority, { caller, params });
  }

  /** Starts with these params, or switches to them. */
  #narrow(params: Params, caller: Caller): void | Promise<void> {
    this.#deadline?.cancel();
    try {
      this.#core.rates.count(caller);
      const entry = requireTopic(this.#core, this.#name);
      this.#params = params;
      const permitted = permitToRead(entry, this.#core.authority, { caller, params });
      const begun = onceAvailable(permitted, () =>
        onceAvailable(this.#core.catalog.open(entry, payerOf(caller)), (topic) =>
          onceAvailable(this.#startOf(topic, params, caller), (start) =>
            this.#subscribe(topic, { params, start }, caller),
          ),
        ),
      );
      return begun instanceof Promise ? begun.catch((error) => this.#refuse(error)) : begun;
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Params that replace others continue where the client is. */
  #startOf(topic: Topic, params: Params, caller: Caller): Position | undefined | Promise<Position> {
    if (this.#from === undefined || this.#subscription !== undefined) return undefined;
    return startOf(topic, this.#from, { view: topic.view(params), payer: payerOf(caller) });
  }

  #subscribe(
    topic: Topic,
    { params, start }: { params: Params; start: Position | undefined },
    caller: Caller,
  ): void {
    // The connection ended during authorization.
    if (!this.#peer.isOpen) return;
    const view = topic.view(params);
    const { account } = this.#peer;
    const charged = held(account, SUBSCRIPTION_BYTES + textBytes(JSON.stringify(params)));
    const walk = this.#walkOf(topic, start);
    if (walk === undefined) return this.#lose();
    if (this.#subscription === undefined) this.#core.presence.enter(topic, caller);
    else this.#subscription.end();
    this.#release();
    this.#release = charged;
    const { payer = account } = account;
    const source = { topic, view, encoding: this.#encoding, walk, payer };
    this.#subscription = new Subscription(source, this, {
      onLost: (from, to) => {
        this.#core.diagnostics.publish("slow", () => ({ topic: topic.name, from, to }));
        this.#lose();
        return "ended";
      },
      onEnded: () =>
        this.#peer.close(LiveCloseCode.Restarting, "the topic was restarted; connect again"),
    });
    this.#core.statistics.starts.fresh += 1;
    const { name } = topic;
    this.#core.diagnostics.publish("subscribe", () => ({ topic: name, start: "fresh", missed: 0 }));
    this.#subscription.pump();
  }

  /**
   * Where to start with new params. Unread events of a log are delivered under the new params,
   * because Level 0 cannot report a gap.
   *
   * @returns `undefined` if some of them have expired
   */
  #walkOf(topic: Topic, start: Position | undefined): Walk | undefined {
    const { epoch } = topic.position;
    const present = topic.kind === "log" ? this.#subscription : undefined;
    const reached = present && { epoch, offset: present.reached };
    const recovery = recover(topic, reached, { start });
    if (present === undefined && recovery.kind === "fresh") return recovery.walk;
    return recovery.kind === "resumed" ? recovery.walk : undefined;
  }

  #lose(): void {
    this.#core.statistics.tooSlow += 1;
    this.#peer.close(LiveCloseCode.TooMany, "events were lost to you; connect again");
  }

  #endSubscription(): void {
    const { caller } = this.who;
    if (this.#subscription === undefined || caller === undefined) return;
    this.#subscription.end();
    this.#release();
    this.#core.presence.leave(this.#subscription.topic, caller);
    this.#subscription = undefined;
  }

  /** Later messages wait for it. */
  #waitFor(pending: void | Promise<void>): void {
    if (!(pending instanceof Promise)) return;
    this.#pending = pending.then(() => {
      this.#pending = undefined;
    });
  }

  #expire(): void {
    this.#core.statistics.unauthorized += 1;
    this.#peer.close(LiveCloseCode.Unauthorized, "the credentials have expired; connect again");
  }

  #refuse(error: unknown): void {
    if (!(error instanceof LiveError)) return this.fail(error);
    this.#core.statistics.refused(error.code);
    this.#peer.close(closeCodeOf(error), reasonOf(error.message));
  }
}

function notAllowed(topic: string): LiveError {
  return new LiveError("forbidden", `You may not read ${topic} any longer; ask for access.`);
}

/** A close reason has room for 123 bytes. */
function reasonOf(message: string): string {
  return message.replace(/[^\x20-\x7e]/g, "?").slice(0, 120);
}
