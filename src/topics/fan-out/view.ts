import { Tombstones } from "../log/tombstones.ts";
import type { Encoding, TopicAddress } from "./encoding.ts";
import type { EventLog } from "../log/event-log.ts";
import { gather, type Gathered } from "../log/gather.ts";
import { joined } from "../../base/index.ts";
import type { LaneBudget } from "./lane-budget.ts";
import { Lane } from "./lane.ts";
import { MAX_LANE_BYTES, PAGE_BYTES } from "../limits.ts";
import type { FieldIndexes } from "../matching/field-indexes.ts";
import { matcherOf, type Narrowing } from "../matching/narrowing.ts";
import type { PageCache } from "./page-cache.ts";
import type { Offset, ToldPosition } from "../position.ts";
import { asRemoved, type TopicEvent } from "../event.ts";
import { WHOLE_VIEW } from "./view-id.ts";
import type { Walk } from "../log/walk.ts";
import { Work } from "../slices/work.ts";

const NO_BYTES = new Uint8Array(0);

/** Something that wants to know when a lane has grown. */
export interface LaneReader {
  onGrown(): void;
  /** The log that it reads has ended: another one takes its place. */
  onEnded?(): void;
}

/** A lane with those who read it. */
export interface SharedLane {
  readonly encoding: Encoding;
  readonly lane: Lane;
  readonly readers: Set<LaneReader>;
  /** Its end is followed by an event that is longer than its readers take. */
  isCut: boolean;
}

/**
 * For how many of the topic's events a view goes on watching when nobody reads it: those who come
 * and go, such as long polls, find it awake.
 */
const AWAKE_EVENTS = 1_000;

export interface Page {
  /** Empty where there is nothing to write, absent if it is longer than its reader takes. */
  bytes: Uint8Array | undefined;
  /** Everything up to here has been told, or did not match. */
  reached: Offset;
  /** The offset that the subscriber can know from the page itself, if there is one. */
  told: Offset | undefined;
  isLast: boolean;
  /** The slice is used up: go on in a later turn, by way of the `SliceQueue`. */
  isYield: boolean;
  /** What it cost to make, to be charged; 0 for one that was made for somebody else before. */
  units: number;
  /** How many events were looked at for it. */
  visits: number;
}

/** Whether a walk has anything to tell, as far as one slice could find out. */
export type Probe =
  | { kind: "found" | "none"; units: number }
  | { kind: "yield"; units: number; walk: Walk };

/** What a view needs of its topic. */
export interface ViewHost {
  readonly keyed: boolean;
  readonly log: EventLog;
  /** The indexes over the log, where it has some. */
  readonly indexes: FieldIndexes | undefined;
  readonly pages: PageCache;
  readonly lanes: LaneBudget;
  /** How many events the topic has taken. */
  readonly eventCount: number;
  /** From now on `take` is to be called for the events that may concern the view. */
  watch(view: View): void;
  unwatch(view: View): void;
  /** The first reader has come, or the last one gone. */
  onUsed(isUsed: boolean): void;
}

/**
 * A topic's log as subscribers with equal params see it.
 *
 * Matching is done once per event here, not once per subscriber.
 */
export class View {
  readonly topic: TopicAddress;
  readonly narrowing: Narrowing;
  readonly #host: ViewHost;
  readonly #matches: (event: TopicEvent) => boolean;
  readonly #lanes = new Map<string, SharedLane>();
  /** Lanes that end before an event that was too long for them, while they are read. */
  readonly #cutLanes = new Set<SharedLane>();
  readonly #grown = new Set<SharedLane>();
  readonly #tombstones = new Tombstones();
  #isWatching = false;
  /** From here on readers have been told all there is, as long as it watches. */
  #toldFrom: Offset | undefined;
  /** The topic's count of events when the view was used last. */
  #usedAt = 0;

  constructor(topic: TopicAddress, narrowing: Narrowing, host: ViewHost) {
    this.topic = topic;
    this.narrowing = narrowing;
    this.#host = host;
    this.#matches = matcherOf(narrowing);
  }

  get isUnused(): boolean {
    return this.#lanes.size === 0 && this.#cutLanes.size === 0;
  }

  /**
   * Whether a reader that was told what there is up to `since` was told it of this view, as far as
   * it says so or can be known. One that had other params was not told of keys that match the
   * present ones and have not changed.
   */
  hasTold({ offset, view }: ToldPosition): boolean {
    const own = this.topic.view;
    // Where there was nothing yet, everybody has been told of it.
    if (own === undefined || offset === 0) return true;
    if (view !== undefined) return view === own;
    if (own === WHOLE_VIEW) return true;
    return this.#toldFrom !== undefined && this.#toldFrom <= offset;
  }

  /** Somebody is about to use it. */
  wake(): void {
    this.#usedAt = this.#host.eventCount;
    if (!this.#host.keyed) return;
    this.#watch();
    this.#tombstones.watchFrom(this.#host.log.lastOffset);
  }

  /** It is not asked about events any more, and does not know what it misses. */
  sleep(): void {
    this.#host.pages.clear(this);
    this.#tombstones.stop();
    this.#toldFrom = undefined;
    if (this.#isWatching) this.#host.unwatch(this);
    this.#isWatching = false;
  }

  /** Joins the lane of this encoding, which is made when its first reader comes. */
  join(encoding: Encoding, reader: LaneReader): SharedLane {
    if (this.isUnused) {
      this.#host.onUsed(true);
      this.#watch();
    }
    let shared = this.#lanes.get(encoding.name);
    if (shared === undefined) {
      const lane = new Lane(MAX_LANE_BYTES, this.#host.lanes);
      shared = { encoding, lane, readers: new Set(), isCut: false };
      this.#lanes.set(encoding.name, shared);
    }
    shared.readers.add(reader);
    return shared;
  }

  /** Tells all who read it that nothing more comes. */
  end(): void {
    for (const { readers } of [...this.#lanes.values(), ...this.#cutLanes]) {
      for (const reader of readers) reader.onEnded?.();
    }
  }

  leave(shared: SharedLane, reader: LaneReader): void {
    shared.readers.delete(reader);
    if (shared.readers.size > 0) return;
    const isHere = shared.isCut
      ? this.#cutLanes.delete(shared)
      : this.#lanes.delete(shared.encoding.name);
    if (!isHere) return;
    shared.lane.close();
    if (!this.isUnused) return;
    this.#usedAt = this.#host.eventCount;
    this.#host.pages.clear(this);
    this.#host.onUsed(false);
    // Nobody needs to know what a log topic's view has missed.
    if (!this.#host.keyed) this.sleep();
  }

  /** Takes a new event of the topic in. `replaced` is what its key had before. */
  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    if (this.isUnused && this.#host.eventCount - this.#usedAt > AWAKE_EVENTS) return this.sleep();
    const seen = this.seenAs(event, replaced);
    if (seen === undefined) return;
    this.#host.pages.clear(this);
    if (seen.removed && seen.key !== undefined) this.#tombstones.left(seen.key, seen.offset);
    this.#tombstones.forgetUpTo(this.#host.log.floor);
    for (const shared of this.#lanes.values()) {
      const frame = shared.encoding.event(this.topic, seen);
      if (frame === undefined) this.#cut(shared);
      else shared.lane.append(frame, event.offset);
      if (this.#grown.size === 0) queueMicrotask(() => this.#notifyReaders());
      this.#grown.add(shared);
    }
  }

  /**
   * The event as subscribers of this view get it: as it is, as a removal if its key matched
   * before and does no longer, or not at all.
   */
  seenAs(event: TopicEvent, replaced: TopicEvent | undefined): TopicEvent | undefined {
    if (!event.removed && this.#matches(event)) return event;
    if (event.key === undefined) return undefined;
    const matched = replaced !== undefined && !replaced.removed && this.#matches(replaced);
    return matched ? asRemoved(event) : undefined;
  }

  /**
   * What a walk still has to tell: of a log topic its matching events, of a keyed topic its
   * entries, in the order of their newest change. It walks all there is without a pause.
   */
  *entriesAfter({ reached, base }: Walk): Generator<TopicEvent, void, undefined> {
    for (const event of this.#host.log.after(reached)) {
      if (!event.removed && this.#matches(event)) yield event;
      else if (this.#wasLost(event, base)) yield asRemoved(event);
    }
  }

  /**
   * Returns the next page of a walk, or as much of it as one slice finds. Subscribers at the same
   * place share its bytes.
   *
   * Keys that change while a walk goes on move to its end, so it always ends with the present
   * state, and it needs no memory of its own.
   */
  page(encoding: Encoding, walk: Walk): Page {
    const { log, pages } = this.#host;
    const name = `${encoding.name} ${walk.reached} ${walk.base} ${walk.complete}`;
    const known = pages.get(this, name);
    // The log may have gone on without this view, and a last page says up to where it went.
    if (known !== undefined && (!known.isLast || known.reached === log.lastOffset)) return known;
    const page = this.#makePage(encoding, walk);
    const hasMoved = page.isLast || page.reached > walk.reached;
    if (hasMoved) pages.set(this, name, { ...page, units: 0, visits: 0 });
    return page;
  }

  /** Finds out whether a walk has anything to tell. */
  probe(walk: Walk): Probe {
    const work = new Work();
    // A page without room is full with the first entry.
    const { reached, end } = this.#gather(walk, work, -1);
    const { units } = work;
    if (end === "yield") return { kind: "yield", units, walk: { ...walk, reached } };
    return { kind: end === "full" ? "found" : "none", units };
  }

  /** Whether who was told everything up to `base` has to be told that the event's key is gone. */
  #wasLost({ key, offset }: TopicEvent, base: Offset): boolean {
    return key !== undefined && offset > base && this.#tombstones.mayBeHeld(key, base);
  }

  /** Readers get what is in the lane, and then learn that they cannot go on. */
  #cut(shared: SharedLane): void {
    this.#lanes.delete(shared.encoding.name);
    this.#cutLanes.add(shared);
    shared.isCut = true;
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#host.watch(this);
  }

  #makePage(encoding: Encoding, walk: Walk): Page {
    const work = new Work();
    let gathered = this.#gather(walk, work, PAGE_BYTES);
    let bytes = this.#bytesOf(encoding, gathered, walk);
    if (bytes === undefined && gathered.entries.length > 1) {
      // Too long together; one by one, what comes before the one that is too long gets through.
      gathered = this.#gather(walk, work, 0);
      bytes = this.#bytesOf(encoding, gathered, walk);
    }
    const { entries, reached, end } = gathered;
    const isLast = end === "last";
    const told =
      this.#host.keyed && (isLast || entries.length > 0) ? reached : entries.at(-1)?.offset;
    if (isLast) this.#toldFrom ??= reached;
    const { units, visits } = work;
    return { bytes, reached, told, isLast, isYield: end === "yield", units, visits };
  }

  #bytesOf(
    encoding: Encoding,
    { entries, reached, end }: Gathered,
    walk: Walk,
  ): Uint8Array | undefined {
    const isLast = end === "last";
    // A page that tells nothing says at most that it is the last one.
    if (entries.length === 0 && !isLast) return NO_BYTES;
    if (!this.#host.keyed) return joined(entries, (event) => encoding.event(this.topic, event));
    const { complete } = walk;
    return encoding.page(this.topic, { offset: reached, entries, complete, more: !isLast });
  }

  #gather(walk: Walk, work: Work, maxBytes: number): Gathered {
    const wasLost = (event: TopicEvent): boolean => this.#wasLost(event, walk.base);
    const { log, indexes } = this.#host;
    return gather({ log, indexes, narrowing: this.narrowing, wasLost }, walk, { work, maxBytes });
  }

  #notifyReaders(): void {
    const grown = [...this.#grown];
    this.#grown.clear();
    for (const { readers } of grown) for (const reader of readers) reader.onGrown();
  }
}
