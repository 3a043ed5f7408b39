import type { Clock, Timer } from "../../../base/index.ts";
import {
  type BrokerTopic,
  type EventDraft,
  type HeldKey,
  LiveError,
  type Offset,
  type Receipt,
  requireWellFormed,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../topics/index.ts";
import { EngineClock } from "../../shared/engine-clock.ts";
import { FollowedTopic, type Follower } from "../../shared/followed-topic.ts";
import { Waiters } from "../../shared/waiters.ts";
import type { Installation } from "../installation.ts";
import { UnansweredError } from "../../shared/engine-errors.ts";
import type { Link } from "../link/link.ts";
import type { Entry, Page } from "./page.ts";
import { TopicScripts, type Appended, type Place } from "./topic-scripts.ts";

/** The services of the broker that a topic uses. */
export interface RedisTopicHost {
  link: Link;
  installation: Pick<Installation, "read">;
  clock: Clock;
  /** The prefix of its keys, which is also its channel. */
  tag: string;
  /** The topic has no followers any more. */
  onUnused(): void;
}

/** One topic's log in Redis. It is followed once, however many followers it has in this process. */
export class RedisTopic {
  readonly #host: RedisTopicHost;
  readonly #declaration: TopicDeclaration;
  readonly #scripts: TopicScripts;
  /** The clock of the server that has the topic. */
  readonly #engineClock: EngineClock;
  readonly #followed: FollowedTopic;
  /** Appends that wait until their event is followed here. */
  readonly #waiters = new Waiters();
  /** The newest event that is followed. */
  #place: Place = { epoch: "", offset: 0, stamp: "" };
  #appending = 0;
  /** The newest offset in a notification that arrived during an append of this node. */
  #notifiedOffset: Offset = 0;
  /** Redis was unreachable while the topic had no event, so it may have been replaced. */
  #isUnsure = false;
  /** The check for that; appends wait for it and then proceed in order. */
  #assuring: Promise<unknown> | undefined;
  #isReading = false;
  /** Whether there may be more than what is being read. */
  #isWoken = false;
  #expiry: { timer: Timer; at: number } | undefined;

  constructor(declaration: TopicDeclaration, host: RedisTopicHost) {
    this.#declaration = declaration;
    this.#host = host;
    this.#followed = new FollowedTopic(declaration.name, () => this.#onEnded());
    this.#engineClock = new EngineClock(host.clock);
    this.#scripts = new TopicScripts(declaration, {
      link: host.link,
      installation: host.installation,
      tag: host.tag,
      place: () => this.#place,
      onOther: () => this.#followed.lose(),
      now: () => host.clock.now(),
      onTime: (time, askedAt) => this.#engineClock.learn(time, askedAt),
      onLease: (delayMs) => this.#wakeIn(delayMs),
    });
  }

  /**
   * Passes all retained events to `follow`, and then each new one.
   *
   * @param subscribed resolves when notifications arrive; reading earlier could miss an event
   */
  async join(
    subscribed: Promise<void>,
    follow: (event: TopicEvent) => void,
    onLost: (() => void) | undefined,
  ): Promise<BrokerTopic> {
    return this.#followed.whileUsed(async () => {
      await subscribed;
      const { follower, offset, floor } = await this.#notifyAll(follow, onLost);
      if (this.#isWoken) this.look();
      return {
        epoch: this.#place.epoch,
        offset,
        floor,
        now: () => this.#engineClock.now(),
        append: (draft) => this.#append(draft),
        lease: (held, leaseMs) => this.#lease(held, leaseMs),
        catchUp: () => this.#catchUp(),
        close: () => this.#leave(follower),
      };
    });
  }

  /** A notification arrived. */
  onNotified(text: string): void {
    const [epoch, offset] = text.split(" ");
    if (epoch === this.#place.epoch) {
      if (Number(offset) <= this.#place.offset) return;
      this.#notifiedOffset = Math.max(this.#notifiedOffset, Number(offset));
      // It is usually about an append of this node, whose answer comes next.
      if (this.#appending > 0) return;
    }
    this.look();
  }

  /** Reads what is new, which also triggers due maintenance. */
  look(): void {
    this.#isWoken = true;
    if (!this.#isReading && this.#followed.hasFollowers) void this.#readOn();
  }

  /** Ends it without notifying its followers. */
  close(): void {
    this.#waiters.reject(new UnansweredError("The broker was closed."));
    this.#followed.end("lost");
  }

  /** The connection was lost. Acknowledged events may arrive after reconnecting, or not at all. */
  onDisconnected(): void {
    this.#isUnsure = this.#place.offset === 0;
    this.#waiters.reject(new UnansweredError(`${this.#host.link.server} is not reachable.`));
  }

  #onEnded(): void {
    this.#expiry?.timer.cancel();
    this.#host.onUnused();
    if (this.#followed.state === "lost") this.#waiters.reject(this.#followed.restarted());
    // Without followers, nobody has to receive the stored events first.
    else this.#waiters.reached(Number.POSITIVE_INFINITY);
  }

  #leave(follower: Follower): Promise<void> {
    this.#followed.remove(follower);
    this.#followed.endIfUnused();
    return Promise.resolve();
  }

  async #notifyAll(
    follow: (event: TopicEvent) => void,
    onLost: (() => void) | undefined,
  ): Promise<{ follower: Follower; offset: Offset; floor: Offset }> {
    let reached: Offset = 0;
    let stamp = "";
    for (;;) {
      const page = await this.#read(reached, "state");
      if (page.missed && reached > 0 && this.#declaration.kind === "keyed") {
        const message = `${this.#declaration.name} changes faster than it can be read; try again.`;
        throw new LiveError("unavailable", message);
      }
      for (const entry of page.entries) {
        reached = entry.event.offset;
        stamp = entry.stamp;
        follow(entry.event);
      }
      if (page.more) continue;
      if (!this.#followed.hasFollowers) {
        this.#place.offset = page.offset;
        this.#place.stamp = reached === page.offset ? stamp : "";
      }
      reached = Math.max(reached, page.offset);
      if (reached < this.#place.offset) continue;
      this.#followed.requireFollowed();
      // This follower has received everything, so it may be ahead of the others.
      const offset = reached;
      const followNew = (event: TopicEvent): void => {
        if (event.offset > offset) follow(event);
      };
      // Added synchronously, so that it also receives the next events.
      const follower = this.#followed.add(followNew, onLost);
      return { follower, offset, floor: page.floor };
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      this.#followed.requireFollowed();
      const page = await this.#read(this.#place.offset, "steps");
      if (page.missed) this.#followed.lose();
      this.#followed.requireFollowed();
      for (const entry of page.entries) this.#notify(entry);
      if (!page.more) return;
    }
  }

  async #readOn(): Promise<void> {
    this.#isReading = true;
    while (this.#isWoken && !this.#followed.hasEnded) {
      this.#isWoken = false;
      try {
        const page = await this.#read(this.#place.offset, "steps");
        if (page.missed) this.#followed.lose();
        for (const entry of page.entries) this.#notify(entry);
        this.#isWoken ||= page.more;
      } catch {
        // Redis is unreachable, or the topic is lost and its followers know. It is read again after
        // reconnecting; if that happened during this read, now.
      }
    }
    this.#isReading = false;
  }

  async #read(after: Offset, how: "state" | "steps"): Promise<Page> {
    const page = await this.#scripts.read(after, how);
    if (this.#place.epoch === "") this.#place.epoch = page.epoch;
    this.#isUnsure = false;
    return page;
  }

  #notify({ event, stamp }: Entry): void {
    if (event.offset <= this.#place.offset || this.#followed.hasEnded) return;
    this.#place.offset = event.offset;
    this.#place.stamp = stamp;
    this.#followed.notify(event);
    this.#waiters.reached(event.offset);
  }

  async #append(draft: EventDraft): Promise<Receipt> {
    requireWellFormed(draft);
    this.#followed.requireFollowed();
    if (this.#isUnsure || this.#assuring !== undefined) {
      await this.#assure();
      this.#followed.requireFollowed();
    }
    return this.#followed.repeatable(draft, () => this.#appended(draft));
  }

  /** Reads the topic before appending to it. Appends that wait for it proceed in order. */
  #assure(): Promise<unknown> {
    if (this.#assuring !== undefined) return this.#assuring;
    const clear = (): void => void (this.#assuring = undefined);
    this.#assuring = this.#catchUp();
    // Registered first, so that no later append overtakes the waiting ones.
    this.#assuring.then(clear, clear);
    return this.#assuring;
  }

  async #appended(draft: EventDraft): Promise<Receipt> {
    let receipt: Receipt | Promise<Receipt>;
    this.#appending += 1;
    try {
      receipt = this.#receiptOf(draft, await this.#scripts.append(draft));
    } finally {
      this.#appending -= 1;
      // Other nodes may have appended meanwhile, which the answer does not show.
      if (this.#appending === 0 && this.#notifiedOffset > this.#place.offset) this.look();
    }
    return await receipt;
  }

  #receiptOf({ key }: EventDraft, appended: Appended): Receipt | Promise<Receipt> {
    if (appended.kind === "conflict") throw this.#followed.conflict(key ?? "");
    const duplicate = appended.kind === "duplicate";
    const offset = duplicate ? appended.offset : appended.entry.event.offset;
    if (!duplicate && offset === this.#place.offset + 1) this.#notify(appended.entry);
    if (offset <= this.#place.offset || this.#followed.state === "left")
      return { offset, duplicate };
    if (this.#followed.state === "lost") throw this.#followed.restarted();
    this.look();
    return this.#waiters.until(offset).then(() => ({ offset, duplicate }));
  }

  async #lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    this.#followed.requireFollowed();
    await this.#scripts.lease(held, leaseMs);
  }

  /** Refreshes when the next lease expires; the first node to do so removes its key. */
  #wakeIn(delayMs: number): void {
    if (delayMs < 0 || this.#followed.hasEnded) return;
    const { clock } = this.#host;
    const at = clock.now() + delayMs;
    if (this.#expiry !== undefined && this.#expiry.at <= at) return;
    this.#expiry?.timer.cancel();
    const timer = clock.after(delayMs, () => {
      this.#expiry = undefined;
      this.look();
    });
    this.#expiry = { timer, at };
  }
}
