import { type Account, onceAvailable } from "../../../base/index.ts";
import {
  type Encoding,
  LiveError,
  type Pace,
  type SendBuffer,
  type Params,
  type Position,
  recover,
  type Recovery,
  startOf,
  SUBSCRIBE_UNITS,
  Subscription,
  SUBSCRIPTION_BYTES,
  textBytes,
  type Topic,
} from "../../../topics/index.ts";
import { payerOf, type Caller } from "./caller.ts";
import type { ClientMessage, RequestId } from "../../wire/client-message.ts";
import { held, type Release } from "../access/paying.ts";
import { permitToRead } from "../access/permit.ts";
import { requireTopic } from "../publish.ts";
import type { LiveCore } from "./session.ts";

type SubscribeRequest = Extract<ClientMessage, { type: "subscribe" }>;

type Starting = SubscribeRequest & {
  /** Where a reader that cannot resume starts. */
  readonly start: Position | undefined;
};

/** Sends a message to the client. */
export type Send = (message: { type: string } & Record<string, unknown>) => void;

interface Started {
  readonly subscription: Subscription;
  readonly params: Params;
  /** Refunds what it costs. */
  readonly release: Release;
}

/** The part of a connection that its subscriptions use. */
export interface Subscriber {
  readonly buffer: SendBuffer;
  readonly account: Account;
  readonly send: Send;
}

/** The subscriptions of one Level 1 connection, at most one per topic. */
export class Subscriptions {
  readonly #core: LiveCore;
  #encoding: Encoding;
  readonly #buffer: SendBuffer;
  readonly #account: Account;
  readonly #send: Send;
  readonly #started = new Map<string, Started>();
  #hasEnded = false;

  constructor(core: LiveCore, encoding: Encoding, { buffer, account, send }: Subscriber) {
    this.#core = core;
    this.#encoding = encoding;
    this.#buffer = buffer;
    this.#account = account;
    this.#send = send;
  }

  /** Sets the encoding of later subscriptions. */
  encodeAs(encoding: Encoding): void {
    this.#encoding = encoding;
  }

  get size(): number {
    return this.#started.size;
  }

  has(topic: string): boolean {
    return this.#started.has(topic);
  }

  /** Starts a subscription. @throws LiveError the refusal, possibly as a rejection */
  start(request: SubscribeRequest, caller: Caller): void | Promise<void> {
    const { topic: name, params } = request;
    const { maxSubscriptions } = this.#core.limits;
    this.#core.catalog.slices.charge(payerOf(caller), SUBSCRIBE_UNITS);
    if (!this.#started.has(name) && this.#started.size >= maxSubscriptions) {
      const message = `This connection has ${maxSubscriptions} subscriptions, its limit; end some.`;
      throw new LiveError("rate_limited", message);
    }
    const entry = requireTopic(this.#core, name);
    const permitted = permitToRead(entry, this.#core.authority, { caller, params });
    return onceAvailable(permitted, () =>
      onceAvailable(this.#core.catalog.open(entry, payerOf(caller)), (topic) =>
        onceAvailable(topic.catchUpWith(request.since), () =>
          onceAvailable(this.#startOf(topic, request, caller), (start) =>
            this.#begin(topic, { ...request, start }, caller),
          ),
        ),
      ),
    );
  }

  /** @param stopped receives the subscription that was ended */
  stop(name: string, caller: Caller, stopped: (subscription: Subscription) => void): void {
    const present = this.#started.get(name);
    if (present === undefined) return;
    this.#started.delete(name);
    present.subscription.end();
    present.release();
    stopped(present.subscription);
    this.#core.presence.leave(present.subscription.topic, caller);
  }

  stopAll(caller: Caller): void {
    this.#hasEnded = true;
    for (const name of this.#started.keys()) this.stop(name, caller, () => {});
  }

  /** Sends positions, because a subscriber's position advances even while no event matches. */
  announcePositions(): void {
    for (const { subscription } of this.#started.values()) this.#announcePosition(subscription);
  }

  /** Ends a subscription that the client is not allowed any more. */
  refuse(name: string, caller: Caller, stopped: (subscription: Subscription) => void): void {
    this.stop(name, caller, stopped);
    const message = `You may not read ${name} any longer; ask for access.`;
    this.#send({ type: "unsubscribed", topic: name, code: "forbidden", message });
  }

  /** Ends the subscriptions that `caller` may no longer read. */
  async recheck(caller: Caller, stopped: (subscription: Subscription) => void): Promise<void> {
    for (const [name, { params }] of this.#started) {
      try {
        const entry = requireTopic(this.#core, name);
        await permitToRead(entry, this.#core.authority, { caller, params });
      } catch (error) {
        if (!(error instanceof LiveError)) this.#core.report(error);
        if (this.#hasEnded) return;
        this.refuse(name, caller, stopped);
      }
    }
  }

  /** A reader that can resume starts at its position. */
  #startOf(
    topic: Topic,
    { params, since, from }: SubscribeRequest,
    caller: Caller,
  ): Position | undefined | Promise<Position> {
    if (from === undefined) return undefined;
    if (since !== undefined && recover(topic, since).kind === "resumed") return undefined;
    return startOf(topic, from, { view: topic.view(params), payer: payerOf(caller) });
  }

  #paceOf(topic: Topic, maxPerSecond: number | undefined): Pace | undefined {
    if (maxPerSecond === undefined) return undefined;
    if (topic.kind === "keyed") {
      return (expire) => this.#core.wheel.after(1_000 / maxPerSecond, expire);
    }
    const message = `${topic.name} is a log topic, of which every event is sent; leave maxPerSecond out.`;
    throw new LiveError("bad_request", message);
  }

  #begin(topic: Topic, request: Starting, caller: Caller): void {
    const { id, params, since, start } = request;
    // The connection ended during authorization.
    if (this.#hasEnded) return;
    const { name } = topic;
    const pace = this.#paceOf(topic, request.maxPerSecond);
    const view = topic.view(params);
    const present = this.#started.get(name);
    // Unread events of a log are delivered under the new params, because no gap would report them.
    const reached = topic.kind === "log" ? present?.subscription.reached : undefined;
    const { epoch } = topic.position;
    const isUnread = reached !== undefined && reached < (start?.offset ?? Infinity);
    const unread = isUnread ? { epoch, offset: reached } : undefined;
    // Until the answer, the client holds the state of the previous params, at whatever position.
    const isOther = topic.kind === "keyed" && present !== undefined;
    const hasChanged = isOther && present.subscription.view !== view;
    const known = since ?? unread;
    const recovery = recover(topic, hasChanged ? undefined : known, { view, start });
    if (recovery.kind === "ahead") {
      const message = "since is ahead of the topic; subscribe without it.";
      throw new LiveError("bad_request", message);
    }
    const release = held(this.#account, SUBSCRIPTION_BYTES + textBytes(JSON.stringify(params)));
    present?.subscription.end();
    present?.release();
    const { payer = this.#account } = this.#account;
    const source = { topic, view, encoding: this.#encoding, walk: recovery.walk, payer, pace };
    const subscription = new Subscription(source, this.#buffer, {
      onLost: (from, to) => {
        if (topic.kind === "log") this.#sendGap({ topic: name, epoch, from, to, reason: "slow" });
        return "go-on";
      },
      onEnded: (ended) => {
        const message = `${name} was restarted on the server; subscribe again.`;
        this.#onEnded(ended, caller, new LiveError("unavailable", message));
      },
      onTooLong: (ended) => {
        const message = `${name} has a message that is longer than the maxMessage of your hello; raise it.`;
        this.#core.statistics.refused("too_large");
        this.#onEnded(ended, caller, new LiveError("too_large", message));
      },
      // A client that resumed waits for this to know that it is up to date.
      onCaughtUp: (caughtUp) => this.#announcePosition(caughtUp),
    });
    this.#started.set(name, { subscription, params, release });
    if (present === undefined) this.#core.presence.enter(topic, caller);
    this.#sendStart({ id, since }, subscription, recovery);
    subscription.pump();
    // Sent immediately if nothing matched, because a client that resumed waits for this to know
    // that it is up to date.
    this.#announcePosition(subscription);
  }

  /** A client that resubscribes from its position then receives a gap for what it lost. */
  #onEnded({ topic }: Subscription, caller: Caller, { code, message }: LiveError): void {
    const { name } = topic;
    this.#started.get(name)?.release();
    this.#started.delete(name);
    this.#core.presence.leave(topic, caller);
    this.#send({ type: "unsubscribed", topic: name, code, message });
  }

  #sendStart(
    { id, since }: { id: RequestId; since: Position | undefined },
    { topic, view }: Subscription,
    recovery: Exclude<Recovery, { kind: "ahead" }>,
  ): void {
    const { name, kind } = topic;
    const { epoch, offset: latest } = topic.position;
    // Not for a client that did not ask to resume, even if its subscription continued.
    const resumed = recovery.kind === "resumed" && since !== undefined;
    const missed = since?.epoch === epoch ? latest - since.offset : 0;
    this.#core.statistics.starts[recovery.kind] += 1;
    this.#core.diagnostics.publish("subscribe", () => ({
      topic: name,
      start: recovery.kind,
      missed,
    }));
    // On a log topic, events follow the client's position; on a keyed topic, its state.
    const offset = kind === "log" ? recovery.walk.reached : latest;
    // The end of the replay, sent only if there is something to replay.
    const toCome = latest > offset && { latest };
    const { view: viewName } = view.topic;
    const position = { epoch, offset, ...(viewName !== undefined && { view: viewName }) };
    this.#send({ type: "subscribed", id, topic: name, kind, ...position, resumed, ...toCome });
    if (recovery.kind !== "gap") return;
    const { from, to, reason } = recovery;
    // Without `since`, the only events it can have lost are those it was too slow for.
    if (since === undefined) this.#sendGap({ topic: name, epoch, from, to, reason: "slow" });
    else this.#send({ type: "gap", topic: name, epoch, from, to, reason });
  }

  #sendGap(gap: { topic: string; epoch: string; from: number; to: number; reason: string }): void {
    this.#core.statistics.slowGaps += 1;
    const { topic, from, to } = gap;
    this.#core.diagnostics.publish("slow", () => ({ topic, from, to }));
    this.#send({ type: "gap", ...gap });
  }

  #announcePosition(subscription: Subscription): void {
    const offset = subscription.takeUntold();
    if (offset === undefined) return;
    const { name, position } = subscription.topic;
    this.#send({ type: "position", topic: name, epoch: position.epoch, offset });
  }
}
