import { LongwireError } from "../../../base/index.ts";
import type { Offset, Params, Position } from "../../../topics/index.ts";
import type { Feed, FeedStatus, TopicOptions } from "./feed.ts";
import { KeyedView } from "./keyed-view.ts";
import type { Link } from "../link/link.ts";
import type { Settings } from "../options.ts";
import { iterate, listen, Reader, START, type Mark } from "./reader.ts";
import { addListener, report } from "../report.ts";
import { tooLarge } from "../requests/requests.ts";
import { malformed, type MessageOf, type TopicMessage } from "../../wire/index.ts";
import {
  isOver,
  nextSubscription,
  type Asked,
  type Following,
  type Over,
  type Subscription,
  type SubscriptionEvent,
} from "./subscription.ts";
import type { Item } from "./topic-items.ts";

/** The part of a client that its feeds use. */
export interface FeedHost {
  readonly settings: Settings;
  /** Finds or creates a link without a subscription to the feed's topic. */
  attach(feed: TopicFeed): Link;
  detach(feed: TopicFeed, link: Link): void;
  newId(): number;
  onFeedChanged(): void;
  onSubscribed(topic: string): void;
}

interface FeedOptions {
  readonly params: Params | undefined;
  readonly options: TopicOptions;
  /** Its name, params and options. */
  readonly fullName: string;
}

const CLOSED: Over = { state: "closed" };

/** Implements `feed.ts`. */
export class TopicFeed implements Feed<Item, unknown> {
  readonly name: string;
  readonly #params: Params | undefined;
  readonly #options: TopicOptions;
  readonly #host: FeedHost;
  readonly #fullName: string;
  readonly #savePosition: ((position: Position) => unknown) | undefined;
  readonly #readers = new Set<Reader>();
  readonly #watchers = new Set<(nothing: undefined) => void>();
  readonly #view: KeyedView;
  #link: Link | undefined;
  #subscription: Subscription = CLOSED;
  #status: FeedStatus = CLOSED;
  #received: Mark = START;
  #savedCount = 0;
  #isChanged = false;
  kind: "log" | "keyed" | undefined;
  version = 0;

  /** @param asked `fullName` is for the position store */
  constructor(host: FeedHost, name: string, asked: FeedOptions) {
    const { params, fullName, options } = asked;
    this.name = name;
    this.#params = params;
    this.#options = options;
    this.#host = host;
    this.#fullName = fullName;
    const { positions } = host.settings;
    this.#savePosition = positions?.saver(fullName);
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
    const isFull = mostQueued >= this.#host.settings.maxQueuedEvents && this.kind !== "keyed";
    const isPaused = this.#subscription.state === "paused";
    // Not with every event: this is called for each one.
    if (isPaused && mostQueued === 0) this.#apply({ type: "drained" });
    else if (isFull) this.#apply({ type: "full" });
  }

  /** The link is open, or this feed's retry is due. */
  onOpen(): void {
    this.#apply({ type: "ready" });
    this.#settle();
  }

  /** The link is no longer open, possibly permanently. */
  onLost(): void {
    if (this.#link?.state.state === "closed") return this.#finish(CLOSED);
    this.#view.breakOff();
    this.#apply({ type: "lost" });
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
    this.#apply({ type: "refused", error });
    this.#settle();
    return true;
  }

  /** Makes all transitions of the subscription, and does what they require. */
  #apply(event: SubscriptionEvent): void {
    const [subscription, effect] = nextSubscription(this.#subscription, event);
    this.#subscription = subscription;
    switch (effect) {
      case "load":
        return void this.#load(subscription);
      case "ask":
        return this.#ask(this.position);
      case "askAnew":
        return this.#ask(undefined, true);
      case "subscribe":
        return this.#subscribe(subscription as Asked);
      case "unsubscribe": {
        const id = this.#host.newId();
        this.#link?.send(JSON.stringify({ type: "unsubscribe", id, topic: this.name }));
        return;
      }
      case "retry":
        return this.#link?.retry(this.#host.newId(), () => this.onOpen());
      case "end":
        return this.#end(subscription as Over);
      case undefined:
    }
  }

  #join(reader: Reader): void {
    this.#readers.add(reader);
    for (const item of this.#view.items()) reader.push(item, this.#received);
    this.#openIfClosed();
    this.#settle();
  }

  #openIfClosed(): void {
    if (!isOver(this.#subscription)) return;
    this.#link = this.#host.attach(this);
    if (this.#link.state.state === "closed") return this.#finish(CLOSED);
    this.#apply({ type: "wanted", isStored: this.#savePosition !== undefined });
    this.#settle();
  }

  async #load(loading: Subscription): Promise<void> {
    try {
      const position = await this.#host.settings.positions!.load(this.#fullName);
      if (this.#subscription !== loading) return;
      this.#move(position);
      this.#savedCount = this.#received.count;
      this.#apply({ type: "loaded" });
      this.#settle();
    } catch (error) {
      if (this.#subscription === loading) this.#finish({ state: "ended", error: error as Error });
    }
  }

  #closeIfUnused(): void {
    if (this.#readers.size + this.#watchers.size === 0) this.#finish(CLOSED);
  }

  #finish(over: Over): void {
    this.#apply({ type: "over", over });
    this.#end(over);
  }

  /** Ends the feed for all readers, after they have handled their queues. */
  #end(over: Over): void {
    const link = this.#link;
    this.#link = undefined;
    const readers = [...this.#readers];
    this.#readers.clear();
    this.#isChanged = true;
    this.#view.clear();
    this.#move(undefined);
    if (link !== undefined) this.#host.detach(this, link);
    const error = over.state === "ended" ? over.error : undefined;
    for (const reader of readers) reader.finish(error);
    this.#settle();
  }

  #ask(since: Position | undefined, isCutOff = false): void {
    if (!this.#link?.isOpen) return;
    this.#apply({ type: "asked", id: this.#host.newId(), since, isCutOff });
  }

  #subscribe({ id, since }: Asked): void {
    const view = this.#view.name;
    const about = { params: this.#params, since, view, ...this.#options };
    const isSent = this.#link?.send(
      JSON.stringify({ type: "subscribe", id, topic: this.name, ...about }),
    );
    if (!isSent) this.#apply({ type: "refused", error: tooLarge() });
  }

  #onSubscribed(message: MessageOf<"subscribed">, { since, isCutOff }: Asked): void {
    const { kind, epoch, offset, resumed } = message;
    if (resumed && since?.epoch !== epoch) throw malformed("resumed");
    this.#isChanged ||= this.kind !== kind;
    this.kind = kind;
    this.#view.name = message.view;
    this.#apply({ type: "subscribed", answer: message, hasView: this.#view.isOf(epoch) });
    this.#host.onSubscribed(this.name);
    if (kind === "keyed" || since !== undefined) return;
    const position = { epoch, offset };
    if (isCutOff) this.#emit({ type: "gap", from: 1, to: offset, reason: "epoch" }, position);
    else this.#move(position);
  }

  #onFollowed(message: TopicMessage, following: Following): void {
    switch (message.type) {
      case "event":
        return this.#onEvent(message, following);
      case "snapshot":
        return this.#onSnapshot(message);
      case "gap": {
        const { from, to, reason, epoch } = message;
        this.#apply({ type: "gap" });
        // For another feed that shares the connection, or a keyed topic, which has no gaps.
        if (this.kind !== "log" || this.#isOld({ offset: to }, following)) return;
        return this.#emit({ type: "gap", from, to, reason }, { epoch, offset: to });
      }
      case "position":
        return this.#advance(message);
      case "unsubscribed": {
        const { id, code = "unsubscribed", message: text = code } = message;
        // With an id, it answers an earlier unsubscribe.
        if (id === undefined) {
          this.#apply({ type: "refused", error: new LongwireError(code, text) });
        }
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
    this.#advance(message);
  }

  #onSnapshot(message: MessageOf<"snapshot">): void {
    const { epoch, complete } = message;
    // From here until the snapshot is complete, the view is a mixture that cannot be resumed from.
    if (complete && !this.#view.isOf(epoch)) this.#move(undefined);
    this.#view.applyPage(message);
    if (complete) this.#apply({ type: "snapshot", isLast: !this.#view.isBetweenPages });
    this.#advance(message);
  }

  #advance(at: { offset: Offset }): void {
    const subscription = this.#subscription;
    if (!this.#isBase(subscription) || this.#isOld(at, subscription)) return;
    if (at.offset < this.#view.newest) return;
    this.#move({ epoch: subscription.epoch, offset: at.offset });
  }

  #isOld({ offset }: { offset: Offset }, { epoch }: Following): boolean {
    const { position } = this;
    return position?.epoch === epoch && offset <= position.offset;
  }

  /** Whether the position can be resumed from, because nothing before it is missing. */
  #isBase(subscription: Subscription): subscription is Following {
    return subscription.state === "following" && !subscription.isOwed && !this.#view.isBetweenPages;
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
      return { state: "refused", error: new LongwireError("refused", link.status.message) };
    }
    const { offset = 0 } = this.position ?? {};
    const isLive =
      this.#isBase(subscription) && offset >= Math.max(subscription.target, this.#view.newest);
    return { state: isLive ? "live" : "catching-up" };
  }
}
