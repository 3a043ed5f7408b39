import type { Encoding } from "../encoding.ts";
import { MAX_UNANSWERED } from "../limits.ts";
import { LiveError, type LiveErrorCode } from "../live-error.ts";
import type { Outlet, Pumped } from "../outlet.ts";
import { recover, type Recovery } from "../recover.ts";
import { Subscription } from "../subscription.ts";
import { decodeClientMessage, type ClientMessage, type RequestId } from "./client-message.ts";
import type { KeyOwner } from "./key-owners.ts";
import { LiveCloseCode } from "./live-close-code.ts";
import type { LivePeer } from "./live-peer.ts";
import { publish, requireTopic } from "./publish.ts";
import type { Realm, Session } from "./session.ts";

type Request<Type> = Extract<ClientMessage, { type: Type }>;

/** Over how long clients are asked to spread when they come back after a drain, in ms. */
const RETURN_WINDOW_MS = 5_000;

/** A Level 1 client: one connection, any number of topics, JSON messages both ways. */
export class MessageSession implements Session, Outlet, KeyOwner {
  readonly #realm: Realm;
  readonly #peer: LivePeer;
  readonly #encoding: Encoding;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Those that wait for room, in the order in which they get it. */
  readonly #waiting = new Set<Pumped>();
  #unanswered = 0;
  #goOn: (() => void) | undefined;
  #quietTicks = 0;
  #ended = false;

  constructor(realm: Realm, peer: LivePeer, encoding: Encoding) {
    this.#realm = realm;
    this.#peer = peer;
    this.#encoding = encoding;
  }

  start(): void {
    const { heartbeatMs, maxMessageBytes } = this.#realm.limits;
    const connection = crypto.randomUUID();
    this.#send({
      type: "welcome",
      connection,
      heartbeat: heartbeatMs,
      maxMessage: maxMessageBytes,
    });
  }

  onMessage(message: string | Uint8Array): void | Promise<void> {
    if (typeof message !== "string") {
      this.#disconnect(LiveCloseCode.BadMessage, "Messages are text, not binary; send JSON.");
      return;
    }
    const decoded = decodeClientMessage(message);
    if (decoded.kind === "malformed") {
      this.#disconnect(LiveCloseCode.BadMessage, decoded.message);
    } else if (decoded.kind === "refused") {
      this.#refuse(decoded.id, decoded.code, decoded.message);
    } else {
      this.#obey(decoded.message);
    }
    if (this.#unanswered >= MAX_UNANSWERED) return this.#untilAnswered();
  }

  /** Who waits longest goes first, or a busy topic would leave no room to the others. */
  onDrain(): void {
    for (const reader of this.#waiting) {
      this.#waiting.delete(reader);
      reader.pump();
      // It waits again: there is no more room.
      if (this.#waiting.has(reader)) return;
    }
  }

  onTick(): void {
    this.#quietTicks += 1;
    for (const subscription of this.#subscriptions.values()) this.#tellPosition(subscription);
    if (this.#quietTicks > 1) this.#send({ type: "heartbeat" });
  }

  onDraining(): void {
    const retryAfter = Math.round(Math.random() * RETURN_WINDOW_MS);
    const message = "The server is going away; connect again after retryAfter.";
    this.#send({ type: "disconnect", code: 1001, message, retry: true, retryAfter });
  }

  /** A connection's keys end with it. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  get bufferedAmount(): number {
    return this.#peer.bufferedAmount;
  }

  write(bytes: Uint8Array): void {
    this.#quietTicks = 0;
    this.#peer.sendFrames(bytes);
  }

  watchDrain(reader: Pumped): void {
    this.#waiting.add(reader);
    this.#peer.watchDrain();
  }

  fail(cause: unknown): void {
    this.#realm.report(cause);
    this.#peer.close(LiveCloseCode.InternalError, "internal error");
  }

  onTooLarge(): void {
    const { maxMessageBytes } = this.#realm.limits;
    const message = `A message may have ${maxMessageBytes} bytes at most; send less.`;
    this.#disconnect(LiveCloseCode.TooLarge, message);
  }

  onClosed(): void {
    this.#ended = true;
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
    this.#waiting.clear();
    this.#realm.owners.end(this);
  }

  #obey(message: ClientMessage): void {
    switch (message.type) {
      case "subscribe":
        return this.#subscribe(message);
      case "unsubscribe":
        return this.#unsubscribe(message);
      case "publish":
        return void this.#publish(message);
      case "call":
        return this.#refuse(
          message.id,
          "unknown_method",
          `There is no method ${shown(message.method)}.`,
        );
      case "ping":
        return this.#send({ type: "pong", ...(message.id !== undefined && { id: message.id }) });
      case "hello":
      case "refresh":
        // Nothing is asked for here, so nothing has to be shown.
        return undefined;
    }
  }

  #subscribe(request: Request<"subscribe">): void {
    try {
      this.#startSubscription(request);
    } catch (error) {
      this.#refuseWith(request.id, error);
    }
  }

  #startSubscription({ id, topic: name, params, since }: Request<"subscribe">): void {
    const topic = requireTopic(this.#realm, name);
    const view = topic.view(params);
    const present = this.#subscriptions.get(name);
    // Of other params' state nothing can be resumed: what did not match may do so now.
    const isOther = present !== undefined && present.view !== view && topic.kind === "keyed";
    const recovery = recover(topic, isOther ? undefined : since);
    if (recovery.kind === "ahead") {
      const message = "since is ahead of the topic; subscribe without it.";
      throw new LiveError("bad_request", message);
    }
    const { maxSubscriptions } = this.#realm.limits;
    if (present === undefined && this.#subscriptions.size >= maxSubscriptions) {
      const message = `This connection has ${maxSubscriptions} subscriptions, its limit; end some.`;
      throw new LiveError("rate_limited", message);
    }
    if (present !== undefined) this.#endSubscription(present);
    const { epoch } = topic.position;
    const source = { topic, view, encoding: this.#encoding, walk: recovery.walk };
    const subscription = new Subscription(source, this, (from, to) => {
      const gap = { type: "gap", topic: name, epoch, from, to, reason: "slow" };
      if (topic.kind === "log") this.#send(gap);
      return "go-on";
    });
    this.#subscriptions.set(name, subscription);
    this.#sayStart({ id, topic: name, kind: topic.kind, epoch }, recovery, topic.position.offset);
    subscription.pump();
  }

  #sayStart(
    start: { id: RequestId; topic: string; kind: "log" | "keyed"; epoch: string },
    recovery: Exclude<Recovery, { kind: "ahead" }>,
    present: number,
  ): void {
    const resumed = recovery.kind === "resumed";
    // Of a log topic, events follow from where the client was; of a keyed one, from its state.
    const offset = resumed && start.kind === "log" ? recovery.walk.reached : present;
    this.#send({ type: "subscribed", ...start, offset, resumed });
    if (recovery.kind !== "gap") return;
    const { from, to, reason } = recovery;
    const { topic, epoch } = start;
    this.#send({ type: "gap", topic, epoch, from, to, reason });
  }

  #unsubscribe({ id, topic }: Request<"unsubscribe">): void {
    const present = this.#subscriptions.get(topic);
    if (present !== undefined) this.#endSubscription(present);
    this.#subscriptions.delete(topic);
    this.#send({ type: "unsubscribed", id, topic });
  }

  #endSubscription(subscription: Subscription): void {
    subscription.end();
    this.#waiting.delete(subscription);
  }

  async #publish({ id, topic, draft }: Request<"publish">): Promise<void> {
    this.#unanswered += 1;
    try {
      const { offset, duplicate } = await publish(this.#realm, { topic, draft }, this);
      this.#send({ type: "published", id, topic, offset, duplicate });
    } catch (error) {
      this.#refuseWith(id, error);
    } finally {
      this.#unanswered -= 1;
      if (this.#unanswered < MAX_UNANSWERED) this.#goOn?.();
    }
  }

  #untilAnswered(): Promise<void> {
    return new Promise((resolve) => (this.#goOn = resolve));
  }

  /** Where a subscriber stands moves on also while nothing matches; this tells it. */
  #tellPosition(subscription: Subscription): void {
    const offset = subscription.takeUntold();
    if (offset === undefined) return;
    const { name, position } = subscription.topic;
    this.#send({ type: "position", topic: name, epoch: position.epoch, offset });
  }

  #refuseWith(id: RequestId, error: unknown): void {
    if (error instanceof LiveError) return this.#refuse(id, error.code, error.message);
    this.#realm.report(error);
    this.#refuse(id, "internal", "The server failed on this request; try again later.");
  }

  #refuse(id: RequestId | undefined, code: LiveErrorCode, message: string): void {
    this.#send({ type: "error", ...(id !== undefined && { id }), code, message });
  }

  #disconnect(code: number, message: string): void {
    this.#send({ type: "disconnect", code, message, retry: false });
    this.#peer.close(code, "");
  }

  #send(message: { type: string } & Record<string, unknown>): void {
    this.#quietTicks = 0;
    this.#peer.send(JSON.stringify(message));
  }
}

/** What a client sent, short enough for a message. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 50));
}
