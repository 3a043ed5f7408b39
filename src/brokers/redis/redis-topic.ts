import type { Clock, Timer } from "../../base/index.ts";
import {
  defaultRetention,
  eventOf,
  LiveError,
  type BrokerTopic,
  type EventDraft,
  type HeldKey,
  type Offset,
  type Receipt,
  type TopicDeclaration,
  type TopicEvent,
} from "../../live/index.ts";
import { entryOf, pageOf, type Entry, type Page } from "./page.ts";
import { UnansweredError, type RedisLink, type Reply } from "./redis-link.ts";
import type { ScriptName } from "./scripts.ts";
import { repeatKey, topicKeys } from "./topic-keys.ts";

/** How much is read at a time, and how many leases are renewed. */
const PAGE_EVENTS = 500;
const PAGE_BYTES = 1024 * 1024;
const LEASES_AT_ONCE = 500;

interface Follower {
  readonly follow: (event: TopicEvent) => void;
  readonly onLost: (() => void) | undefined;
  /** What it was told up to. */
  told: Offset;
}

/** Somebody who has appended, and waits until it is followed here. */
interface Waiter {
  readonly offset: Offset;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What a topic needs of its broker. */
export interface RedisTopicHost {
  link: RedisLink;
  clock: Clock;
  /** What its keys begin with, and its channel is. */
  tag: string;
  /** Nobody follows it any more. */
  onUnused(): void;
}

/** One topic's log in Redis, followed once however many follow it here. */
export class RedisTopic {
  readonly #host: RedisTopicHost;
  readonly #declaration: TopicDeclaration;
  readonly #keys: readonly string[];
  readonly #limits: readonly string[];
  readonly #followers = new Set<Follower>();
  readonly #waiters = new Set<Waiter>();
  #joining = 0;
  /** Empty until it is known. */
  #epoch = "";
  /** The newest event that is followed, and when it was appended by the clock of Redis, in µs. */
  #last: Offset = 0;
  #stamp = "";
  #appending = 0;
  /** The newest offset that was told of while own appends were on their way. */
  #toldOf: Offset = 0;
  #isReading = false;
  /** There may be more than what is being read. */
  #isWoken = false;
  #hasEnded = false;
  #expiry: { timer: Timer; at: number } | undefined;

  constructor(declaration: TopicDeclaration, host: RedisTopicHost) {
    this.#declaration = declaration;
    this.#host = host;
    this.#keys = topicKeys(host.tag);
    const { maxEvents, maxBytes, maxAgeMs } = { ...defaultRetention, ...declaration.retention };
    this.#limits = [maxEvents, maxBytes, maxAgeMs].map(String);
  }

  /**
   * Tells somebody of all there is, and then of what is new.
   *
   * @param subscribed resolves when notifications come: read before, something could fall between
   */
  async join(
    subscribed: Promise<void>,
    follow: (event: TopicEvent) => void,
    onLost: (() => void) | undefined,
  ): Promise<BrokerTopic> {
    const follower: Follower = { follow, onLost, told: 0 };
    this.#joining += 1;
    try {
      await subscribed;
      const { offset, floor } = await this.#tellAll(follower);
      this.#requireFollowed();
      this.#followers.add(follower);
      if (this.#isWoken) this.look();
      const epoch = this.#epoch;
      return {
        epoch,
        offset,
        floor,
        append: (draft) => this.#append(draft),
        lease: (held, leaseMs) => this.#lease(held, leaseMs),
        catchUp: () => this.#catchUp(),
        close: () => this.#leave(follower),
      };
    } finally {
      this.#joining -= 1;
      if (this.#isUnused) this.#end();
    }
  }

  /** A notification came. */
  onNotified(text: string): void {
    const [epoch, offset] = text.split(" ");
    if (epoch === this.#epoch) {
      if (Number(offset) <= this.#last) return;
      this.#toldOf = Math.max(this.#toldOf, Number(offset));
      // It tells of an own append, mostly, of which the answer comes next.
      if (this.#appending > 0) return;
    }
    this.look();
  }

  /** Reads what is new, and has done what is due. */
  look(): void {
    this.#isWoken = true;
    if (!this.#isReading && !this.#hasEnded && this.#followers.size > 0) void this.#readOn();
  }

  /** Tells of nothing more. */
  close(): void {
    this.#end();
    this.#rejectWaiters(new UnansweredError("unconfirmed", "The broker is closed."));
  }

  /** The connection is lost. What was answered may be followed after it is back, or not at all. */
  onDisconnected(): void {
    const error = new UnansweredError("unconfirmed", `${this.#host.link.server} is away.`);
    this.#rejectWaiters(error);
  }

  /** What is followed has an end that nobody decided here: all have to open it anew. */
  #lose(): void {
    if (this.#hasEnded) return;
    const followers = [...this.#followers];
    this.#end();
    const error = new UnansweredError("unconfirmed", `${this.#declaration.name} starts again.`);
    this.#rejectWaiters(error);
    for (const { onLost } of followers) onLost?.();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#followers.clear();
    this.#expiry?.timer.cancel();
    this.#host.onUnused();
  }

  get #isUnused(): boolean {
    return this.#followers.size === 0 && this.#joining === 0;
  }

  #leave(follower: Follower): Promise<void> {
    this.#followers.delete(follower);
    if (this.#isUnused) this.#end();
    return Promise.resolve();
  }

  async #tellAll(follower: Follower): Promise<{ offset: Offset; floor: Offset }> {
    let stamp = "";
    for (;;) {
      const page = await this.#read(follower.told, "state");
      if (page.missed && follower.told > 0 && this.#declaration.kind === "keyed") {
        const message = `${this.#declaration.name} changes faster than it can be read; try again.`;
        throw new LiveError("unavailable", message);
      }
      for (const entry of page.entries) {
        follower.told = entry.event.offset;
        stamp = entry.stamp;
        follower.follow(entry.event);
      }
      if (page.more) continue;
      if (this.#followers.size === 0) {
        this.#last = page.offset;
        this.#stamp = follower.told === page.offset ? stamp : "";
      }
      follower.told = Math.max(follower.told, page.offset);
      if (follower.told >= this.#last) return { offset: follower.told, floor: page.floor };
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      this.#requireFollowed();
      const page = await this.#read(this.#last, "steps");
      if (page.missed) this.#lose();
      this.#requireFollowed();
      for (const entry of page.entries) this.#tell(entry);
      if (!page.more) return;
    }
  }

  async #readOn(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#isWoken && !this.#hasEnded) {
        this.#isWoken = false;
        const page = await this.#read(this.#last, "steps");
        if (page.missed) return this.#lose();
        for (const entry of page.entries) this.#tell(entry);
        this.#isWoken ||= page.more;
      }
    } catch {
      // Away: it is looked at again when the connection is back. Or lost, and that is told.
    } finally {
      this.#isReading = false;
    }
  }

  #tell({ event, stamp }: Entry): void {
    const { offset } = event;
    if (offset <= this.#last || this.#hasEnded) return;
    this.#last = offset;
    this.#stamp = stamp;
    for (const follower of this.#followers) {
      if (offset <= follower.told) continue;
      follower.told = offset;
      follower.follow(event);
    }
    for (const waiter of this.#waiters) {
      if (waiter.offset > offset) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  async #append(draft: EventDraft): Promise<Receipt> {
    const { key, idempotencyKey, ifNewest = "", leaseMs = "" } = draft;
    const json = draft.removed === true ? "" : eventOf(draft, 1, 0).json;
    const repeat = idempotencyKey === undefined ? [] : [repeatKey(this.#host.tag, idempotencyKey)];
    this.#requireFollowed();
    this.#appending += 1;
    try {
      const args = [key ?? "", json, String(ifNewest), String(leaseMs)];
      return await this.#appended(args, repeat, { key, json });
    } catch (error) {
      throw idempotencyKey !== undefined && error instanceof UnansweredError
        ? new LiveError("unavailable", `${error.message} Repeat it with the same key.`)
        : error;
    }
  }

  async #appended(
    args: readonly string[],
    repeat: readonly string[],
    own: { key: string | undefined; json: string },
  ): Promise<Receipt> {
    let receipt: Receipt | Promise<Receipt>;
    try {
      const reply = await this.#run("append", args, repeat);
      receipt = this.#onAppended(reply, own);
    } finally {
      this.#appending -= 1;
      // What others appended meanwhile, if the answer does not show it.
      if (this.#appending === 0 && this.#toldOf > this.#last) this.look();
    }
    return await receipt;
  }

  #onAppended(
    reply: Reply,
    { key, json }: { key: string | undefined; json: string },
  ): Receipt | Promise<Receipt> {
    const [outcome, , , , , at, stamp] = reply;
    if (outcome === "conflict") {
      const message = `The key ${JSON.stringify(key)} of ${this.#declaration.name} has changed meanwhile; look at it again.`;
      throw new LiveError("conflict", message);
    }
    const offset = Number(at);
    const receipt = { offset, duplicate: outcome === "duplicate" };
    if (outcome === "appended" && offset === this.#last + 1) {
      this.#tell(entryOf({ offset, stamp: String(stamp), key, json }));
    }
    if (offset <= this.#last) return receipt;
    this.look();
    return new Promise((resolve, reject) => {
      this.#waiters.add({ offset, resolve: () => resolve(receipt), reject });
    });
  }

  async #lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    this.#requireFollowed();
    for (let at = 0; at < held.length; at += LEASES_AT_ONCE) {
      const some = held.slice(at, at + LEASES_AT_ONCE);
      const keys = some.flatMap(({ key, offset }) => [key, String(offset)]);
      await this.#run("lease", [String(leaseMs), ...keys]);
    }
  }

  async #read(after: Offset, how: "state" | "steps"): Promise<Page> {
    const args = [String(after), how, String(PAGE_EVENTS), String(PAGE_BYTES)];
    const reply = await this.#run("read", args).catch((error: unknown) => {
      // Reading again does no harm.
      if (!(error instanceof UnansweredError)) throw error;
      throw new LiveError("unavailable", error.message);
    });
    const page = pageOf(reply, this.#declaration.kind);
    if (this.#epoch === "") this.#epoch = page.epoch;
    return page;
  }

  /**
   * Runs a script on this topic.
   *
   * @throws LiveError `unavailable` as a rejection, also when it is another log than the one that
   *   is followed, of which everybody is told then
   */
  async #run(
    name: ScriptName,
    args: readonly string[],
    keys: readonly string[] = [],
  ): Promise<Reply> {
    const { link, tag } = this.#host;
    // What is read is compared with what was there; before an append its number is enough.
    const seen = [this.#epoch, String(this.#last), name === "read" ? this.#stamp : ""];
    const own = [crypto.randomUUID(), this.#declaration.kind, ...this.#limits, tag, ...seen];
    const reply = await link.run(name, [...this.#keys, ...keys], [...own, ...args]);
    if (reply[0] === "epoch") {
      this.#lose();
      const message = `The log of ${this.#declaration.name} has started again at the broker; try again.`;
      throw new LiveError("unavailable", message);
    }
    this.#wakeIn(Number(reply[4]));
    return reply;
  }

  #requireFollowed(): void {
    if (!this.#hasEnded) return;
    const message = `${this.#declaration.name} is not open any more; open it again.`;
    throw new LiveError("unavailable", message);
  }

  /** When the next lease runs out, somebody has to look; whoever comes first removes its key. */
  #wakeIn(delayMs: number): void {
    if (delayMs < 0 || this.#hasEnded) return;
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

  #rejectWaiters(error: Error): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { reject } of waiters) reject(error);
  }
}
