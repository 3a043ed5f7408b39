import type { TimerWheel } from "../../../base/index.ts";
import {
  type Catalog,
  MAX_KEY_LENGTH,
  type Report,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";
import { type TopicInfo, TOPICS } from "../../system-topics.ts";
import { LeasedEntries } from "../keys/leased-entries.ts";

/** How long changes of a topic's readers are gathered, in milliseconds. */
const GATHER_MS = 250;

/** The length of a server's name in keys. */
const NODE_LENGTH = 8;

interface ReaderCountsHost {
  readonly wheel: TimerWheel;
  readonly leaseMs: number;
  readonly report: Report;
  /** The name of this server, new with each start. */
  readonly node: string;
  /** Called when a topic got its first reader, or lost its last one. */
  readonly onChanged: (
    topic: Topic,
    event: TopicEvent,
    change: { readonly info: TopicInfo; readonly hasReaders: boolean },
  ) => void;
}

/** The number of this server's subscriptions by topic, which it announces in `$topics`. */
export class ReaderCounts {
  readonly #host: ReaderCountsHost;
  readonly #readers = new Map<string, number>();
  /** Topics whose number has changed since it was announced. */
  readonly #changed = new Set<string>();
  /** Of all servers. */
  readonly #totals = new Map<string, number>();
  /** Whether the log was reloaded and the totals are about to be counted again. */
  #isCounting = false;
  #entries: LeasedEntries | undefined;
  #topic: Topic | undefined;

  constructor(host: ReaderCountsHost) {
    this.#host = host;
  }

  /** Announces nothing unless `$topics` is declared. */
  open(catalog: Catalog): void {
    const topic = catalog.get(TOPICS);
    if (topic === undefined) return;
    this.#topic = topic;
    const entries = LeasedEntries.in(topic, this.#host);
    this.#entries = entries;
    this.#countAll(topic);
    topic.listen((event, replaced) => {
      this.#follow(topic, event, replaced);
      entries.onEvent(event);
    });
  }

  /** Its entries, to renew their leases. */
  get entries(): LeasedEntries | undefined {
    return this.#entries;
  }

  /** The number of subscriptions to a topic on all servers; `undefined` without `$topics`. */
  total(name: string): number | undefined {
    return this.#topic === undefined ? undefined : (this.#totals.get(name) ?? 0);
  }

  enter(name: string): void {
    this.#change(name, 1);
  }

  leave(name: string): void {
    this.#change(name, -1);
  }

  onStartedAgain(topic: Topic, isKept: (key: string) => boolean): void {
    if (topic.name !== TOPICS) return;
    this.#entries?.onStartedAgain(isKept);
    // The events that were missed are notified first.
    this.#isCounting = true;
    queueMicrotask(() => {
      this.#isCounting = false;
      this.#countAll(topic);
    });
  }

  #follow(topic: Topic, event: TopicEvent, replaced: TopicEvent | undefined): void {
    if (this.#isCounting) return;
    const [before, now] = [infoIn(replaced), infoIn(event)];
    const info = now ?? before;
    if (info === undefined) return;
    const had = this.#totals.get(info.topic) ?? 0;
    if (before !== undefined) this.#count(before, -1);
    if (now !== undefined) this.#count(now, 1);
    const has = this.#totals.get(info.topic) ?? 0;
    if (had > 0 !== has > 0) this.#host.onChanged(topic, event, { info, hasReaders: has > 0 });
  }

  #countAll(topic: Topic): void {
    this.#totals.clear();
    for (const { data } of topic.events()) this.#count(data as TopicInfo, 1);
  }

  #count({ topic, readers }: TopicInfo, sign: 1 | -1): void {
    const total = (this.#totals.get(topic) ?? 0) + sign * readers;
    if (total > 0) this.#totals.set(topic, total);
    else this.#totals.delete(topic);
  }

  #change(name: string, by: 1 | -1): void {
    if (this.#entries === undefined) return;
    const readers = (this.#readers.get(name) ?? 0) + by;
    if (readers > 0) this.#readers.set(name, readers);
    else this.#readers.delete(name);
    if (this.#changed.has(name)) return;
    this.#changed.add(name);
    this.#host.wheel.after(GATHER_MS, () => this.#announce(name));
  }

  #announce(name: string): void {
    this.#changed.delete(name);
    const nodeKey = this.#host.node;
    const key = `${nodeKey.slice(0, NODE_LENGTH)}/${name}`;
    // The longest names do not fit into a key.
    if (key.length > MAX_KEY_LENGTH) return;
    const readers = this.#readers.get(name) ?? 0;
    const info: TopicInfo = { topic: name, nodeKey, readers };
    const announced = this.#entries?.dataOf(key) as TopicInfo | undefined;
    if ((announced?.readers ?? 0) === readers) return;
    if (readers === 0) void this.#entries?.remove(key);
    else this.#entries?.set(key, info);
  }
}

function infoIn(event: TopicEvent | undefined): TopicInfo | undefined {
  return event === undefined || event.removed ? undefined : (event.data as TopicInfo);
}
