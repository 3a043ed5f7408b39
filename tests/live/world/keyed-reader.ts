import type { Params } from "../../../src/live/index.ts";
import type { Feed } from "../../../src/live/client/index.ts";
import type { KeyedItem } from "../../../src/live/client/feed/topic-items.ts";
import type { Records } from "./recording-broker.ts";

type Data = { n: number };

/** An application that shows a keyed topic, held against what is promised. */
export class KeyedReader {
  readonly feed: Feed<KeyedItem<Data>, Data>;
  readonly params: Params;
  readonly #records: Records;
  /** The state that results from the items. */
  readonly #shown = new Map<string, Data>();
  items = 0;

  constructor(feed: Feed<KeyedItem<Data>, Data>, params: Params, records: Records) {
    this.feed = feed;
    this.params = params;
    this.#records = records;
  }

  take(item: KeyedItem<Data>): void {
    this.items += 1;
    if (item.type === "removed") this.#shown.delete(item.key);
    else this.#shown.set(item.key, item.data);
  }

  /** Whenever nothing is known to be missing, the view is the topic's state at its position. */
  check(): void {
    const { status, position, entries, name } = this.feed;
    if (status.state !== "live" || position === undefined) return;
    const state = this.#records.of(name, position.epoch).stateAt(position.offset, this.params);
    this.#compare(entries, state, name, position);
  }

  /** All has arrived and was handled. */
  checkEnd(): void {
    const { status, position, name, entries } = this.feed;
    if (status.state !== "live") throw this.#wrong(`is ${status.state} at the end`);
    const epoch = this.#records.presentEpoch(name);
    if (position?.epoch !== epoch) throw this.#wrong("is of an epoch that is over");
    const truth = this.#records.of(name);
    const end = { epoch: epoch!, offset: truth.lastOffset };
    const state = truth.stateAt(end.offset, this.params);
    this.#compare(entries, state, name, end);
    this.#compare(this.#shown, state, name, end);
  }

  #compare(
    seen: ReadonlyMap<string, Data>,
    state: Map<string, number>,
    topic: string,
    at: { epoch: string; offset: number },
  ): void {
    const truth = this.#records.of(topic, at.epoch);
    const wanted = [...state].map(([key, offset]) => {
      const data = truth.at(offset)?.data as Data | undefined;
      return `${key}@${data?.n}`;
    });
    const had = [...seen].map(([key, { n }]) => `${key}@${n}`);
    const [shown, expected] = [had.toSorted().join(" "), wanted.toSorted().join(" ")];
    if (shown === expected) return;
    throw this.#wrong(`sees ${shown} and not ${expected} at ${at.offset}`);
  }

  #wrong(what: string): Error {
    return new Error(`view of ${this.feed.name} ${JSON.stringify(this.params)} ${what}`);
  }
}
