import type { EventLog } from "../log/event-log.ts";
import { MAX_INDEXED_FIELDS } from "../limits.ts";
import type { TopicEvent } from "../event.ts";
import type { Work } from "../slices/work.ts";
import { FieldIndex } from "./field-index.ts";
import { FieldNames } from "./field-names.ts";
import type { IndexPart } from "./index-part.ts";
import { textsOf, type FieldTexts } from "./field-texts.ts";
import { matchesPairs, type FieldPair } from "./narrowing.ts";

/** A log with fewer events is walked, because that costs less than an index. */
const INDEX_FROM = 1_024;

/** With more matching events than this, the log is walked instead. */
const FEW_EVENTS = 4_096;

/** The most fields of one view to build indexes for; otherwise views would evict each other's. */
const MAX_BUILT_PER_VIEW = 3;

/** After this many calls of `tidy` without a use, everything is dropped: one minute by default. */
const IDLE_TIDIES = 8;

/** Whether an event matches. */
export type Test = (event: TopicEvent, work: Work) => boolean;

/** The result of looking up events that have all pairs. */
export type Found =
  | { readonly kind: "none" }
  /** An index is being built, and the slice is used up. */
  | { readonly kind: "building" }
  /** Only these events, oldest first, can match. */
  | { readonly kind: "few"; readonly events: Iterable<TopicEvent>; readonly test: Test }
  /** The log has to be walked. */
  | { readonly kind: "many"; readonly test: Test };

/**
 * The indexes over the events of one keyed topic. Each is built when a view first needs it, in
 * slices that are charged to its readers.
 */
export class FieldIndexes {
  readonly #log: EventLog;
  readonly #indexFrom: number;
  #names = new FieldNames();
  /** Ordered from the least recently used. */
  readonly #indexes = new Map<string, FieldIndex>();
  #idleTidies = 0;

  /** @param indexFrom the smallest number of events that is indexed; for tests */
  constructor(log: EventLog, indexFrom: number = INDEX_FROM) {
    this.#log = log;
    this.#indexFrom = indexFrom;
  }

  /** The number of indexed fields. */
  get size(): number {
    return this.#indexes.size;
  }

  /** Adds a new event. `replaced` is the key's previous event. */
  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    if (!this.#isBegun) return;
    const present = this.#read(event);
    const before = replaced && this.#read(replaced);
    this.#update(this.#names, present, before);
    for (const index of this.#indexes.values()) this.#update(index, present, before);
  }

  /** Drops everything that has not been used for a while; called at intervals. */
  tidy(): void {
    this.#idleTidies += 1;
    if (this.#idleTidies <= IDLE_TIDIES || !this.#isBegun) return;
    this.#names = new FieldNames();
    this.#indexes.clear();
  }

  /** Returns how many events have the pair, if known. */
  count({ field, text }: FieldPair): number | undefined {
    if (this.#names.isReady && !this.#names.mayHave(field)) return 0;
    const index = this.#indexes.get(field);
    return index?.isReady === true ? index.count(text) : undefined;
  }

  /** Finds the events that have all `pairs`, building indexes as needed. */
  find(pairs: readonly FieldPair[], work: Work): Found {
    if (this.#log.eventCount < this.#indexFrom) return { kind: "many", test: plainTest(pairs) };
    this.#idleTidies = 0;
    if (!this.#isBuilt(this.#names, work)) return { kind: "building" };
    if (pairs.some((pair) => this.count(pair) === 0)) return { kind: "none" };
    for (const { field } of pairs.slice(0, MAX_BUILT_PER_VIEW)) {
      const few = this.#few(pairs);
      if (few !== undefined) return few;
      const index = this.#indexOf(field);
      if (index !== undefined && !this.#isBuilt(index, work)) return { kind: "building" };
    }
    return this.#few(pairs) ?? { kind: "many", test: this.#test(pairs) };
  }

  get #isBegun(): boolean {
    return this.#names.isReady || this.#names.upTo > 0;
  }

  #few(pairs: readonly FieldPair[]): Found | undefined {
    let fewest: FieldPair | undefined;
    let count = FEW_EVENTS + 1;
    for (const pair of pairs) {
      const size = this.count(pair) ?? Infinity;
      if (size >= count) continue;
      count = size;
      fewest = pair;
    }
    if (fewest === undefined) return undefined;
    const events = this.#indexOf(fewest.field)?.events(fewest.text) ?? [];
    return { kind: "few", events, test: this.#test(pairs) };
  }

  /** Tests with the indexes, and reads the event itself only if they cannot tell. */
  #test(pairs: readonly FieldPair[]): Test {
    return (event, work) => {
      const unknown: FieldPair[] = [];
      for (const pair of pairs) {
        const index = this.#indexes.get(pair.field);
        const has = index?.isReady === true ? index.has(pair.text, event) : undefined;
        if (has === false) return false;
        if (has === undefined) unknown.push(pair);
      }
      return unknown.length === 0 || readsAs(unknown, event, work);
    };
  }

  /**
   * Returns the index of `field`, creating it if needed; `undefined` if all slots are being built.
   */
  #indexOf(field: string): FieldIndex | undefined {
    const index = this.#indexes.get(field) ?? new FieldIndex(field);
    if (!this.#indexes.has(field) && this.#indexes.size >= MAX_INDEXED_FIELDS) {
      const oldest = [...this.#indexes.values()].find(({ isReady }) => isReady);
      if (oldest === undefined) return undefined;
      this.#indexes.delete(oldest.field);
    }
    this.#indexes.delete(field);
    this.#indexes.set(field, index);
    return index;
  }

  #isBuilt(part: IndexPart, work: Work): boolean {
    if (part.isReady) return true;
    for (const event of this.#log.after(part.upTo)) {
      if (work.isUsedUp) return false;
      work.visit();
      part.upTo = event.offset;
      if (event.removed) continue;
      work.read(event.json);
      part.add(event, textsOf(event.json, this.#indexes));
    }
    part.upTo = this.#log.lastOffset;
    part.isReady = true;
    return true;
  }

  #update(part: IndexPart, { event, texts }: Read, replaced: Read | undefined): void {
    const knew = replaced !== undefined && (part.isReady || replaced.event.offset <= part.upTo);
    if (knew && !replaced.event.removed) part.remove(replaced.event, replaced.texts);
    // An index that is being built will reach the event later.
    if (part.isReady && !event.removed) part.add(event, texts);
  }

  /** Reads the event once for all indexes. */
  #read(event: TopicEvent): Read {
    const isOfInterest = this.#indexes.size > 0 && !event.removed;
    return { event, texts: isOfInterest ? textsOf(event.json, this.#indexes) : NO_TEXTS };
  }
}

/** An event, and its texts in the indexed fields. */
interface Read {
  readonly event: TopicEvent;
  readonly texts: FieldTexts;
}

const NO_TEXTS: FieldTexts = new Map();

function readsAs(pairs: readonly FieldPair[], event: TopicEvent, work: Work): boolean {
  work.read(event.json);
  return matchesPairs(pairs, event.json);
}

function plainTest(pairs: readonly FieldPair[]): Test {
  return (event, work) => readsAs(pairs, event, work);
}
