import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type Feed, type Live } from "../../src/live/client/index.ts";
import type { KeyedItem, LogItem } from "../../src/live/client/feed/topic-items.ts";
import type { History, Ledger, News } from "./history.ts";
import type { ViewWitness } from "./view-witness.ts";

/** How often a device says that it is there, as agents do, in milliseconds. */
const REPORT_MS = 1_000;

/** The counts of all clients of a run. */
export class Tally {
  deliveries = 0;
  /** When each attempt to connect began, in ms, from `begin` on. */
  readonly attempts: number[] = [];
  /** How late each delivery was, by whole milliseconds. */
  readonly #lateness = new Map<number, number>();

  /** All are there; what counts is what happens from now on. */
  begin(): void {
    this.attempts.length = 0;
  }

  deliver(at: number): void {
    this.deliveries += 1;
    const ms = Math.round(performance.now() - at);
    this.#lateness.set(ms, (this.#lateness.get(ms) ?? 0) + 1);
  }

  /** The lateness in ms within which that share of the deliveries came. */
  percentile(share: number): number {
    let rest = this.deliveries * share;
    for (const [ms, count] of [...this.#lateness].toSorted(([a], [b]) => a - b)) {
      rest -= count;
      if (rest <= 0) return ms;
    }
    return 0;
  }

  /** The most attempts to connect that fell into one second. */
  get attemptsInWorstSecond(): number {
    let worst = 0;
    let first = 0;
    for (const [at, time] of this.attempts.entries()) {
      while (time - this.attempts[first]! >= 1_000) first += 1;
      worst = Math.max(worst, at - first + 1);
    }
    return worst;
  }
}

/** Follows `news` and `devices`, at whatever node it comes to, and writes down what it is told. */
export class Subscriber {
  readonly live: Live;
  readonly history: History;
  readonly news: Feed<LogItem<News>, News>;
  readonly devices: Feed<KeyedItem<unknown>, unknown>;
  #isLooking = false;

  /** @param witness sees each view of `devices` that it has */
  constructor(id: string, url: string, tally: Tally, witness?: ViewWitness) {
    const history: History = { id, start: 0, offsets: [], gaps: [], resent: 0 };
    this.history = history;
    this.live = client(id, url, tally, witnessed(history));
    this.news = this.live.topic("news") as unknown as Feed<LogItem<News>, News>;
    this.devices = this.live.topic("devices") as unknown as Feed<KeyedItem<unknown>, unknown>;
    this.news.subscribe((item) => {
      if (item.type === "gap") return void this.history.gaps.push(item);
      this.history.offsets.push(item.offset);
      tally.deliver(item.data.at);
    });
    this.devices.subscribe(() => {
      if (witness !== undefined) this.#look(witness);
    });
  }

  /** When all of a message has been handled, the view is the one at the position that it told. */
  #look(witness: ViewWitness): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    queueMicrotask(() => {
      this.#isLooking = false;
      const { position, status, entries } = this.devices;
      if (position !== undefined && status.state === "live") witness.see(position, entries);
    });
  }

  get isLive(): boolean {
    return [this.live, this.news, this.devices].every(({ status }) => status.state === "live");
  }
}

/** Publishes to `news` and sets its key of `devices`, one after the other, for as long as told. */
export class Publisher {
  readonly live: Live;
  readonly ledger: Ledger;
  #n = 0;

  constructor(id: string, url: string, tally: Tally) {
    this.live = client(id, url, tally);
    const acknowledged = new Map<number, number>();
    this.ledger = { publisher: id, acknowledged, unconfirmed: new Set() };
  }

  /** @param intervalMs between two events */
  async publish(intervalMs: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await pause(intervalMs);
      this.#n += 1;
      await this.#publishOne(this.#n);
    }
  }

  async #publishOne(n: number): Promise<void> {
    const { publisher, acknowledged, unconfirmed } = this.ledger;
    const data: News = { publisher, n, at: performance.now() };
    try {
      const { offset } = await this.live.publish("news", data);
      acknowledged.set(n, offset);
      await this.live.set("devices", publisher, { n });
    } catch (error) {
      if ((error as { code?: string }).code !== "unconfirmed") throw error;
      unconfirmed.add(n);
    }
  }
}

/** Sets its key of `online` again and again: it is there for as long as its connection is. */
export class Device {
  readonly id: string;
  readonly live: Live;
  #isOver = false;

  constructor(id: string, url: string, tally: Tally) {
    this.id = id;
    this.live = client(id, url, tally);
    void this.#report();
  }

  /** Ends it as a device ends that loses its power. */
  close(): void {
    this.#isOver = true;
    this.live.close();
  }

  async #report(): Promise<void> {
    while (!this.#isOver) {
      await this.live.set("online", this.id, { at: Date.now() }).catch(() => {});
      await pause(REPORT_MS);
    }
  }
}

/** An event of `news`; the rest of the message after the offset is not read. */
const EVENT = /^\{"type":"event","topic":"news","offset":(\d+)/;

/** WebSockets that see whether each event of `news` is newer than the one before. */
function witnessed(history: History): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      let newest = 0;
      this.addEventListener("message", ({ data }) => {
        const text = data as string;
        // From here on it is told from where it asked to be.
        if (text.startsWith('{"type":"subscribed"')) newest = 0;
        const offset = Number(EVENT.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
        if (offset <= newest) history.resent += 1;
        else if (offset !== Number.POSITIVE_INFINITY) newest = offset;
      });
    }
  };
}

function client(id: string, url: string, tally: Tally, webSocket = WebSocket): Live {
  const live = connect(url, {
    webSocket,
    token: id,
    backoff: { longestMs: 2_000 },
    connectTimeoutMs: 3_000,
  });
  live.onStatus(({ state }) => {
    if (state === "connecting") tally.attempts.push(performance.now());
  });
  return live;
}
