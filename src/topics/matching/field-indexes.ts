import type { EventLog } from "../log/event-log.ts";
import { MAX_INDEXED_FIELDS } from "../limits.ts";
import type { TopicEvent } from "../event.ts";
import type { Work } from "../slices/work.ts";
import { FieldIndex } from "./field-index.ts";
import { FieldNames } from "./field-names.ts";
import type { IndexPart } from "./index-part.ts";
import { textsOf, type FieldTexts } from "./field-texts.ts";
import { matchesPairs, type FieldPair } from "./narrowing.ts";

/** A log with fewer events is walked: that costs less than an index. */
const INDEX_FROM = 1_024;

/** Events that an index finds are taken from it if they are at most so many; else the log is walked. */
const FEW_EVENTS = 4_096;

/** For how many fields of one view indexes are built; with more, every view would evict the others'. */
const MAX_BUILT_PER_VIEW = 3;

/** After so many calls of `tidy` without a use everything is forgotten: a minute by default. */
const IDLE_TIDIES = 8;

/** Whether an event matches. */
export type Test = (event: TopicEvent, work: Work) => boolean;

/** What an index knows of the events that have all pairs. */
export type Found =
  | { readonly kind: "none" }
  /** An index is being built, and the work is used up. */
  | { readonly kind: "building" }
  /** No events but these, oldest first, can match. */
  | { readonly kind: "few"; readonly events: Iterable<TopicEvent>; readonly test: Test }
  /** The log is to be walked. */
  | { readonly kind: "many"; readonly test: Test };

/**
 * The indexes over the events of one keyed topic, each built when a view first needs it, slice by
 * slice, by those who need it.
 */
export class FieldIndexes {
  readonly #log: EventLog;
  readonly #indexFrom: number;
  #names = new FieldNames();
  /** The least recently used first. */
  readonly #indexes = new Map<string, FieldIndex>();
  #idleTidies = 0;

  /** @param indexFrom for how many events an index is worth it; for tests */
  constructor(log: EventLog, indexFrom: number = INDEX_FROM) {
    this.#log = log;
    this.#indexFrom = indexFrom;
  }

  /** How many fields are indexed. */
  get size(): number {
    return this.#indexes.size;
  }

  /** A new event is in the log. `replaced` is what its key had before. */
  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    if (!this.#isBegun) return;
    const present = this.#read(event);
    const before = replaced && this.#read(replaced);
    this.#update(this.#names, present, before);
    for (const index of this.#indexes.values()) this.#update(index, present, before);
  }

  /** Forgets everything when nobody has used it for a while; called now and then. */
  tidy(): void {
    this.#idleTidies += 1;
    if (this.#idleTidies <= IDLE_TIDIES || !this.#isBegun) return;
    this.#names = new FieldNames();
    this.#indexes.clear();
  }

  /** How many events have the pair, if that is known. */
  count({ field, text }: FieldPair): number | undefined {
    if (this.#names.isReady && !this.#names.mayHave(field)) return 0;
    const index = this.#indexes.get(field);
    return index?.isReady === true ? index.count(text) : undefined;
  }

  /** Says where the events are that have all `pairs`; builds what is needed to say it. */
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

  /** Asks the indexes, and the event itself only where they do not know. */
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

  /** The index of `field`, a new one if need be; `undefined` while all that are kept are being built. */
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
    // One that is being built comes to the event by itself.
    if (part.isReady && !event.removed) part.add(event, texts);
  }

  /** Once for all indexes. */
  #read(event: TopicEvent): Read {
    const isOfInterest = this.#indexes.size > 0 && !event.removed;
    return { event, texts: isOfInterest ? textsOf(event.json, this.#indexes) : NO_TEXTS };
  }
}

/** An event, and what it has in the fields that are indexed. */
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
