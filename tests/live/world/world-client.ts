import { history } from "../../../src/live/client/history/index.ts";
import type { Params } from "../../../src/live/index.ts";
import type { ConnectOptions, Feed, Live } from "../../../src/live/client/index.ts";
import type { Item, KeyedItem, LogItem } from "../../../src/live/client/feed/topic-items.ts";
import type { TestLive } from "../../../src/testing/index.ts";
import type { Random } from "../../rigs/random.ts";
import { KeyedReader } from "./keyed-reader.ts";
import { LogReader } from "./log-reader.ts";
import type { Records } from "./recording-broker.ts";

type Data = { n: number };

/** The receipt of an acknowledged publish. */
interface Acknowledged {
  topic: string;
  n: number;
  offset: number;
  epoch: string | undefined;
}

/** How an application takes what comes. */
const HABITS = ["at once", "slowly", "by iteration"] as const;

/** For so long a publish is repeated until it is answered. */
const REPEATED_FOR_MS = 270_000;

/** Why a publish may be refused, here where everybody may publish. */
const EXPECTED: ReadonlySet<string> = new Set(["unconfirmed", "queue_full", "closed", "refused"]);

/** An application with a client of its own. */
export class WorldClient {
  readonly name: string;
  /** Which tab of its browser it is, if it is one. */
  readonly tab: string;
  readonly live: Live;
  readonly acknowledged: Acknowledged[] = [];
  readonly rejected: string[] = [];
  /** Failures in code that has no caller to throw to. */
  readonly failures: unknown[] = [];
  readonly #world: TestLive;
  readonly #records: Records;
  readonly #random: Random;
  readonly #logReaders = new Map<LogReader, () => void>();
  readonly #keyedReaders = new Map<KeyedReader, () => void>();
  pending = 0;
  /** Pages of what was before. */
  pages = 0;
  /** At the end no connection shall be in the middle of its next one. */
  tokensLast = false;

  /** @param source with a `webSocket` where it is one of a browser's tabs */
  constructor(
    name: string,
    world: TestLive,
    source: {
      records: Records;
      random: Random;
      webSocket?: ConnectOptions["webSocket"];
      tab?: string;
    },
  ) {
    this.name = name;
    this.tab = source.tab ?? "";
    this.#world = world;
    this.#records = source.records;
    this.#random = source.random;
    const { random } = source;
    this.live = world.connect({
      ...(source.webSocket !== undefined && { webSocket: source.webSocket }),
      token: () => this.#token(),
      maxQueuedEvents: random.pick([3, 20, 1_000]),
      backoff: { random: () => random.next() },
    });
  }

  get readers(): number {
    return this.#logReaders.size + this.#keyedReaders.size;
  }

  get gaps(): number {
    return [...this.#logReaders.keys()].reduce((sum, reader) => sum + reader.gaps, 0);
  }

  get items(): number {
    const logs = [...this.#logReaders.keys()].reduce((sum, { events }) => sum + events, 0);
    return [...this.#keyedReaders.keys()].reduce((sum, { items }) => sum + items, logs);
  }

  /** Whether it reads this keyed topic. */
  isReading(topic: string): boolean {
    return [...this.#keyedReaders.keys()].some(({ feed }) => feed.name === topic);
  }

  readLog(topic: string, params: Params): void {
    const last = this.#random.pick([undefined, undefined, 0, 1, 5, "all"] as const);
    const options = last === undefined ? {} : { from: { last } };
    const feed = this.live.topic(topic, params, options) as unknown as Feed<LogItem<Data>, Data>;
    const reader = new LogReader(feed, { params, last }, this.#records);
    const stopWatching = feed.onChange(() => this.#attempt(() => reader.begin()));
    const stop = this.#read(feed, (item) => {
      reader.take(item as LogItem<Data>);
    });
    this.#logReaders.set(reader, () => {
      stop();
      stopWatching();
    });
  }

  readKeyed(topic: string, params: Params): void {
    const options = this.#random.chance(0.3) ? { maxPerSecond: this.#random.pick([1, 10]) } : {};
    const feed = this.live.topic(topic, params, options) as unknown as Feed<KeyedItem<Data>, Data>;
    const reader = new KeyedReader(feed, params, this.#records);
    const stopWatching = feed.onChange(() => this.#attempt(() => reader.check()));
    const stop = this.#read(feed, (item) => {
      reader.take(item as KeyedItem<Data>);
    });
    this.#keyedReaders.set(reader, () => {
      stop();
      stopWatching();
    });
  }

  /** Reads a page of what was before the first event of one of its readers. */
  readPast(): void {
    const reader = this.#random.pick([undefined, ...this.#logReaders.keys()]);
    const first = reader?.first;
    if (reader === undefined || first === undefined) return;
    const { params, feed } = reader;
    const before = { epoch: first.epoch, offset: first.offset + 1 };
    const last = this.#random.pick([1, 3, 100]);
    history(this.live, feed.name, { params, before, last }).then(
      (page) => {
        this.pages += 1;
        this.#attempt(() => reader.checkPast(page, before, last));
      },
      (error: { code?: string }) => {
        // A broker that has lost everything is behind the position.
        const isExpected = EXPECTED.has(error.code ?? "") || error.code === "bad_request";
        if (!isExpected) this.failures.push(error);
      },
    );
  }

  /** Ends one of its readers, whichever. */
  stopReading(): void {
    const [readers, reader] = this.#random.chance(0.5)
      ? ([this.#logReaders, [...this.#logReaders.keys()].at(0)] as const)
      : ([this.#keyedReaders, [...this.#keyedReaders.keys()].at(0)] as const);
    if (reader === undefined) return;
    (readers as Map<unknown, () => void>).get(reader)?.();
    (readers as Map<unknown, () => void>).delete(reader);
  }

  publish(topic: string, data: Data): void {
    this.#publish(topic, data.n, () => this.live.publish(topic, data));
  }

  set(topic: string, key: string, data: Data): void {
    this.#publish(topic, data.n, () => this.live.set(topic, key, data));
  }

  checkEnd(): void {
    const { state } = this.live.status;
    if (this.failures.length > 0) throw this.failures[0];
    if (state !== "live")
      throw new Error(`${this.name} is ${JSON.stringify(this.live.status)} at the end`);
    if (this.pending > 0) throw new Error(`${this.name} has unanswered publishes`);
    for (const reader of this.#logReaders.keys()) reader.checkEnd();
    for (const reader of this.#keyedReaders.keys()) reader.checkEnd();
  }

  /** Good for a while, and different for each, so that connections live through their ends. */
  #token(): string {
    const lifeMs = this.tokensLast ? 10_000_000 : this.#random.pick([3_000, 60_000, 10_000_000]);
    return `${this.name} ${Math.floor(this.#world.clock.wallTime()) + lifeMs}`;
  }

  #read(feed: Feed<Item, unknown>, take: (item: Item) => void): () => void {
    const habit = this.#random.pick(HABITS);
    const onItem = (item: Item): void => this.#attempt(() => take(item));
    if (habit === "by iteration") return this.#iterate(feed, onItem);
    const fail = (error: Error): void => void this.failures.push(error);
    if (habit === "at once") return feed.subscribe(onItem, fail);
    const slowness = this.#random.pick([5, 50, 400]);
    return feed.subscribe(async (item) => {
      onItem(item);
      await this.#wait(slowness);
    }, fail);
  }

  #iterate(feed: Feed<Item, unknown>, onItem: (item: Item) => void): () => void {
    const iterator = feed[Symbol.asyncIterator]();
    const run = async (): Promise<void> => {
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        onItem(next.value);
        if (this.#random.chance(0.3)) await this.#wait(30);
      }
    };
    run().catch((error: unknown) => this.failures.push(error));
    return () => void iterator.return?.();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#world.clock.after(ms, resolve));
  }

  #publish(topic: string, n: number, publish: () => Promise<{ offset: number }>): void {
    this.pending += 1;
    const { clock } = this.#world;
    const begun = { now: clock.now(), wall: clock.wallTime() };
    publish().then(
      ({ offset }) => {
        this.pending -= 1;
        this.acknowledged.push({ topic, n, offset, epoch: this.#records.presentEpoch(topic) });
      },
      (error: { code?: string }) => {
        this.pending -= 1;
        this.rejected.push(error.code ?? "");
        // A client cannot tell a clock that is set forward from sleep, so it gives up for both.
        const tookMs = Math.max(clock.now() - begun.now, clock.wallTime() - begun.wall);
        const isEarly = error.code === "unconfirmed" && tookMs < REPEATED_FOR_MS;
        if (isEarly || !EXPECTED.has(error.code ?? "")) this.failures.push(error);
      },
    );
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.failures.push(error);
    }
  }
}
