import { LongwireError } from "../../base/index.ts";
import type { Offset, Params, Position } from "../../topics/index.ts";
import type { Feed, FeedStatus } from "./feed.ts";
import { KeyedView } from "./keyed-view.ts";
import type { Link } from "./link.ts";
import type { PositionStore, Settings } from "./options.ts";
import { iterate, listen, Reader, START, type Mark } from "./reader.ts";
import { addListener, report } from "./report.ts";
import { tooLarge } from "./requests.ts";
import { loadPosition, positionSaver } from "./saved-position.ts";
import { malformed, type MessageOf, type TopicMessage } from "../wire/index.ts";
import type { Asked, Following, Over, SubscriptionState } from "./subscription-state.ts";
import type { Item } from "./topic-items.ts";

/** The part of a client that its feeds use. */
export interface FeedHost {
  readonly settings: Settings;
  /** Finds or creates a link without a subscription to the feed's topic. */
  attach(feed: TopicFeed): Link;
  detach(feed: TopicFeed, link: Link): void;
  newId(): number;
  onFeedChanged(): void;
}

const CLOSED: Over = { state: "closed" };

/** Refusals of a subscription that are temporary. */
const passingCodes: readonly string[] = ["rate_limited", "unavailable", "internal"];

/** Implements `feed.ts`. */
export class TopicFeed implements Feed<Item, unknown> {
  readonly name: string;
  readonly #params: Params | undefined;
  readonly #host: FeedHost;
  readonly #fullName: string;
  readonly #savePosition: ((position: Position) => Promise<void>) | undefined;
  readonly #readers = new Set<Reader>();
  readonly #watchers = new Set<(nothing: undefined) => void>();
  readonly #view: KeyedView;
  #link: Link | undefined;
  #subscription: SubscriptionState = CLOSED;
  #status: FeedStatus = CLOSED;
  #received: Mark = START;
  #savedCount = 0;
  #isChanged = false;
  kind: "log" | "keyed" | undefined;
  version = 0;

  /** @param fullName its name and params, for the position store */
  constructor(host: FeedHost, name: string, params: Params | undefined, fullName: string) {
    this.name = name;
    this.#params = params;
    this.#host = host;
    this.#fullName = fullName;
    const { positions } = host.settings;
    this.#savePosition = positions && positionSaver(positions, fullName);
    this.#view = new KeyedView((item) => {
      this.#isChanged = true;
      this.#emit(item, this.position);
    });
  }

  get status(): FeedStatus {
    return this.#status;
  }

  get entries(): ReadonlyMap<string, unknown> {
    return this.#view.entries;
  }

  get position(): Position | undefined {
    return this.#received.position;
  }

  subscribe(
    listener: (item: Item) => unknown,
    onError: (error: Error) => void = report,
  ): () => void {
    const reader = new Reader(this);
    listen(reader, listener, onError);
    this.#join(reader);
    return () => reader.stop();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Item> {
    const reader = new Reader(this);
    const iteration = iterate(reader);
    this.#join(reader);
    return iteration;
  }

  onChange(listener: () => void): () => void {
    const stop = addListener(this.#watchers, listener);
    this.#openIfClosed();
    return () => {
      stop();
      this.#closeIfUnused();
    };
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.onHandled();
    this.#closeIfUnused();
  }

  /** The slowest reader decides which position is handled, and when to receive more. */
  onHandled(): void {
    let slowest: Mark | undefined;
    let mostQueued = 0;
    for (const reader of this.#readers) {
      mostQueued = Math.max(mostQueued, reader.size);
      const handled = reader.handledOf(this.#received);
      if (slowest === undefined || handled.count < slowest.count) slowest = handled;
    }
    this.#save(slowest);
    const { state } = this.#subscription;
    if (state === "paused" && mostQueued === 0) {
      this.#subscription = { state: "off" };
      this.onOpen();
    } else if (state === "following" && mostQueued >= this.#host.settings.maxQueuedEvents) {
      if (this.kind === "keyed") return;
      this.#unsubscribe();
      this.#subscription = { state: "paused" };
    }
  }

  /** The link is open, or this feed's retry is due. */
  onOpen(): void {
    if (this.#subscription.state === "off" && this.#link?.isOpen) this.#ask(this.position);
    this.#settle();
  }

  /** The link is no longer open, possibly permanently. */
  onLost(): void {
    if (this.#link?.state.state === "closed") return this.#finish(CLOSED);
    this.#view.breakOff();
    const { state } = this.#subscription;
    if (state !== "paused" && state !== "loading") this.#subscription = { state: "off" };
    this.#settle();
  }

  onMessage(message: TopicMessage): void {
    const subscription = this.#subscription;
    if (subscription.state === "following") this.#onFollowed(message, subscription);
    // Anything else still in transit belongs to an ended subscription.
    else if (subscription.state === "asked" && message.type === "subscribed") {
      if (message.id === subscription.id) this.#onSubscribed(message, subscription);
    }
    this.#settle();
  }

  /** Returns whether the failed request was this feed's. */
  onError(id: number, error: LongwireError): boolean {
    const subscription = this.#subscription;
    if (subscription.state !== "asked" || subscription.id !== id) return false;
    if (error.code === "bad_request" && subscription.since !== undefined) {
      // The server's log is behind this position. For a log topic, a gap reports what that means.
      this.#ask(undefined, true);
    } else this.#refuse(error);
    return true;
  }

  #join(reader: Reader): void {
    this.#readers.add(reader);
    for (const item of this.#view.items()) reader.push(item, this.#received);
    this.#openIfClosed();
    this.#settle();
  }

  #openIfClosed(): void {
    if (this.#subscription.state !== "closed" && this.#subscription.state !== "ended") return;
    this.#link = this.#host.attach(this);
    // If the client is closed, this ends the feed immediately.
    this.onLost();
    const { positions } = this.#host.settings;
    if (this.#link !== undefined && positions !== undefined) void this.#load(positions);
    else this.onOpen();
  }

  async #load(positions: PositionStore): Promise<void> {
    const loading: SubscriptionState = { state: "loading" };
    this.#subscription = loading;
    this.#settle();
    try {
      const position = await loadPosition(positions, this.#fullName);
      if (this.#subscription !== loading) return;
      this.#move(position);
      this.#savedCount = this.#received.count;
      this.#subscription = { state: "off" };
      this.onOpen();
    } catch (error) {
      if (this.#subscription === loading) this.#finish({ state: "ended", error: error as Error });
    }
  }

  #closeIfUnused(): void {
    if (this.#readers.size + this.#watchers.size === 0) this.#finish(CLOSED);
  }

  /** Ends the feed for all readers, after they have handled their queues. */
  #finish(subscription: Over): void {
    this.#unsubscribe();
    this.#subscription = subscription;
    const link = this.#link;
    this.#link = undefined;
    const readers = [...this.#readers];
    this.#readers.clear();
    this.#isChanged = true;
    this.#view.clear();
    this.#move(undefined);
    if (link !== undefined) this.#host.detach(this, link);
    const error = subscription.state === "ended" ? subscription.error : undefined;
    for (const reader of readers) reader.finish(error);
    this.#settle();
  }

  #unsubscribe(): void {
    const { state } = this.#subscription;
    if (state !== "asked" && state !== "following") return;
    const id = this.#host.newId();
    this.#link?.send(JSON.stringify({ type: "unsubscribe", id, topic: this.name }));
  }

  #ask(since: Position | undefined, isCutOff = false): void {
    const id = this.#host.newId();
    // Before sending, because sending may lose the connection.
    this.#subscription = { state: "asked", id, since, isCutOff };
    const view = this.#view.name;
    const request = { type: "subscribe", id, topic: this.name, params: this.#params, since, view };
    if (!this.#link?.send(JSON.stringify(request))) this.#refuse(tooLarge());
  }

  #onSubscribed(message: MessageOf<"subscribed">, { since, isCutOff }: Asked): void {
    const { kind, epoch, offset, resumed, latest = 0 } = message;
    if (resumed && since?.epoch !== epoch) throw malformed("resumed");
    this.#isChanged ||= this.kind !== kind;
    this.kind = kind;
    this.#view.name = message.view;
    const isKeyed = kind === "keyed";
    // A loaded position comes without a view, so there is no state that events could apply to.
    if (isKeyed && resumed && !this.#view.isOf(epoch)) return this.#ask(undefined);
    const isOwed = !resumed && (isKeyed || since !== undefined);
    this.#subscription = { state: "following", epoch, isOwed, target: Math.max(offset, latest) };
    if (isKeyed || since !== undefined) return;
    const position = { epoch, offset };
    if (isCutOff) this.#emit({ type: "gap", from: 1, to: offset, reason: "epoch" }, position);
    else this.#move(position);
  }

  #onFollowed(message: TopicMessage, following: Following): void {
    switch (message.type) {
      case "event":
        return this.#onEvent(message, following);
      case "snapshot":
        return this.#onSnapshot(message, following);
      case "gap": {
        const { from, to, reason, epoch } = message;
        following.isOwed = false;
        // For another feed that shares the connection, or a keyed topic, which has no gaps.
        if (this.kind !== "log" || this.#isOld({ offset: to }, following)) return;
        return this.#emit({ type: "gap", from, to, reason }, { epoch, offset: to });
      }
      case "position":
        return this.#advance(message, following);
      case "unsubscribed": {
        const { id, code = "unsubscribed", message: text = code } = message;
        // With an id, it answers an earlier unsubscribe.
        if (id === undefined) this.#refuse(new LongwireError(code, text));
        return;
      }
      case "subscribed":
        return;
    }
  }

  #onEvent(message: MessageOf<"event">, following: Following): void {
    const { offset, data } = message;
    const { epoch } = following;
    if (this.#isOld(message, following)) return;
    if (this.kind === "log") return this.#emit({ type: "event", offset, data }, { epoch, offset });
    this.#view.apply(message);
    this.#advance(message, following);
  }

  #onSnapshot(message: MessageOf<"snapshot">, following: Following): void {
    const { epoch, complete } = message;
    // From here until the snapshot is complete, the view is a mixture that cannot be resumed from.
    if (complete && !this.#view.isOf(epoch)) this.#move(undefined);
    this.#view.applyPage(message);
    if (complete) {
      // If the snapshot is interrupted, another one follows.
      following.isOwed = this.#view.isBetweenPages;
      following.target = 0;
    }
    this.#advance(message, following);
  }

  #advance(at: { offset: Offset }, following: Following): void {
    if (!this.#isBase(following) || this.#isOld(at, following)) return;
    if (at.offset < this.#view.newest) return;
    this.#move({ epoch: following.epoch, offset: at.offset });
  }

  #isOld({ offset }: { offset: Offset }, { epoch }: Following): boolean {
    const { position } = this;
    return position?.epoch === epoch && offset <= position.offset;
  }

  /** Whether the position can be resumed from, because nothing before it is missing. */
  #isBase({ isOwed }: Following): boolean {
    return !isOwed && !this.#view.isBetweenPages;
  }

  #refuse(error: LongwireError): void {
    // Without a subscription, there is nothing to unsubscribe.
    this.#subscription = { state: "off" };
    if (!passingCodes.includes(error.code)) return this.#finish({ state: "ended", error });
    this.#link?.retry(this.#host.newId(), () => this.onOpen());
    this.#settle();
  }

  #move(position: Position | undefined): void {
    this.#received = { count: this.#received.count + 1, position };
  }

  #emit(item: Item, position: Position | undefined): void {
    this.#move(position);
    for (const reader of this.#readers) reader.push(item, this.#received);
  }

  #save(handled: Mark | undefined): void {
    if (handled?.position === undefined || handled.count <= this.#savedCount) return;
    if (this.kind !== "log") return;
    this.#savedCount = handled.count;
    void this.#savePosition?.(handled.position);
  }

  /** Called after every change. Application code runs only here, because it may change anything. */
  #settle(): void {
    for (const reader of this.#readers) reader.onReady();
    this.onHandled();
    const status = this.#statusNow();
    if (status.state !== this.#status.state) {
      this.#status = status;
      this.#isChanged = true;
      this.#host.onFeedChanged();
    }
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.version += 1;
    for (const watcher of this.#watchers) watcher(undefined);
  }

  #statusNow(): FeedStatus {
    const subscription = this.#subscription;
    if (subscription.state === "closed" || subscription.state === "ended") return subscription;
    const link = this.#link?.state;
    if (link?.state === "refused") {
      return { state: "refused", error: new LongwireError("refused", link.message) };
    }
    const { offset = 0 } = this.position ?? {};
    const isLive =
      subscription.state === "following" &&
      this.#isBase(subscription) &&
      offset >= Math.max(subscription.target, this.#view.newest);
    return { state: isLive ? "live" : "catching-up" };
  }
}
