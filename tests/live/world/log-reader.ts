import { matchFields, type Params } from "../../../src/live/index.ts";
import type { Feed, Position } from "../../../src/live/client/index.ts";
import type { HistoryPage } from "../../../src/live/client/history/index.ts";
import type { LogItem } from "../../../src/live/client/feed/topic-items.ts";
import type { Records } from "./recording-broker.ts";

type Data = { n: number };

/** An application that reads a log topic, held against what is promised, item by item. */
export class LogReader {
  readonly feed: Feed<LogItem<Data>, Data>;
  readonly params: Params;
  readonly #records: Records;
  /**
   * The epochs that what came last can be of: what was published again, since its log was lost
   * before its answer came, is in several. `undefined` for any: behind a gap into another one.
   */
  #epochs: ReadonlySet<string> | undefined;
  /** Everything up to here came, did not match, or was named in a gap; `undefined`: not begun. */
  #reached: number | undefined;
  gaps = 0;
  events = 0;
  /** Where it began. */
  first: Position | undefined;

  #isGapped = false;

  /** Which kept events it wants first. */
  readonly #last: number | "all" | undefined;

  constructor(
    feed: Feed<LogItem<Data>, Data>,
    { params, last }: { params: Params; last: number | "all" | undefined },
    records: Records,
  ) {
    this.feed = feed;
    this.#last = last;
    this.params = params;
    this.#records = records;
    this.begin();
  }

  /** The feed may be open already, or says with its first position where it begins. */
  begin(): void {
    if (this.#reached !== undefined || this.#isGapped) return;
    const { position } = this.feed;
    if (position === undefined) return;
    this.#epochs = new Set([position.epoch]);
    this.#reached = position.offset;
    const { name } = this.feed;
    this.first = position;
    const truth = this.#records.of(name, position.epoch);
    if (truth.missesOfLast(position.offset, this.#last ?? 0, this.params)) {
      throw this.#wrong(`asked for the last ${this.#last}, and begins after ${position.offset}`);
    }
  }

  /** Holds a page of what was before against what is known. */
  checkPast(page: HistoryPage, before: Position, last: number): void {
    const offsets = page.events.map(({ offset }) => offset);
    if (offsets.length > last) throw this.#wrong(`got ${offsets.length} events of ${last}`);
    if (page.epoch !== before.epoch) {
      if (offsets.length > 0) throw this.#wrong("got a page of another epoch");
      return;
    }
    const truth = this.#records.of(this.feed.name, page.epoch);
    const [first = before.offset] = offsets;
    const all = truth.matchesBetween(first - 1, before.offset - 1, this.params);
    if (JSON.stringify(all) !== JSON.stringify(offsets)) {
      throw this.#wrong(`got the page ${offsets.join(" ")} instead of ${all.join(" ")}`);
    }
    const kept = truth.keptNow(this.params).filter((offset) => offset < first);
    if (kept.length > 0 && !page.more) throw this.#wrong(`got no more before ${first}`);
  }

  take(item: LogItem<Data>): void {
    if (item.type === "gap") return this.#takeGap(item);
    this.events += 1;
    const { offset } = item;
    const found = this.#records
      .find(this.feed.name, item.data.n)
      .filter(({ event, epoch }) => event.offset === offset && this.#epochs?.has(epoch) !== false);
    const [first] = found;
    if (first === undefined) throw this.#wrong(`got ${offset}, which is of no event here`);
    if (!matchFields(this.params, first.event)) throw this.#wrong(`got ${offset}, no match`);
    if (this.#reached === undefined) throw this.#wrong(`got ${offset} before it began`);
    if (offset <= this.#reached) {
      throw this.#wrong(`got ${offset} again or late, after ${this.#reached}`);
    }
    this.#epochs = this.#withoutHoles(new Set(found.map(({ epoch }) => epoch)), offset - 1);
    this.#reached = offset;
  }

  /** All has arrived and was handled: nothing may be missing. */
  checkEnd(): void {
    const { position, status, name } = this.feed;
    if (status.state !== "live") throw this.#wrong(`is ${status.state} at the end`);
    const present = this.#records.presentEpoch(name);
    if (position?.epoch !== present) throw this.#wrong("is of an epoch that is over");
    if (this.#epochs?.has(present!) === false) {
      throw this.#wrong("was not notified of the new epoch");
    }
    this.#withoutHoles(new Set([present!]), this.#records.of(name).lastOffset);
  }

  #takeGap({ from, to, reason }: Extract<LogItem<Data>, { type: "gap" }>): void {
    this.gaps += 1;
    if (reason === "epoch") {
      this.#epochs = undefined;
      this.#isGapped = true;
      if (from !== 1) throw this.#wrong(`has a gap from ${from} into another epoch`);
    } else {
      if (this.#reached === undefined) throw this.#wrong("has a gap before it began");
      if (this.#epochs !== undefined && from > this.#reached + 1) {
        this.#epochs = this.#withoutHoles(this.#epochs, from - 1);
      }
      if (to < from || to <= this.#reached) throw this.#wrong(`has a gap ${from}–${to}`);
    }
    this.#reached = to;
  }

  /** Those of `epochs` in which nothing is missing up to `upTo`. */
  #withoutHoles(epochs: ReadonlySet<string>, upTo: number): ReadonlySet<string> {
    let missing: number[] = [];
    const whole = [...epochs].filter((epoch) => {
      const truth = this.#records.of(this.feed.name, epoch);
      missing = truth.matchesBetween(this.#reached ?? upTo, upTo, this.params);
      return missing.length === 0;
    });
    if (whole.length > 0) return new Set(whole);
    throw this.#wrong(`misses ${missing.join(" ")} up to ${upTo}`);
  }

  #wrong(what: string): Error {
    return new Error(`reader of ${this.feed.name} ${JSON.stringify(this.params)} ${what}`);
  }
}
