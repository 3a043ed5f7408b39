import { Tombstones } from "../log/tombstones.ts";
import type { Encoding, TopicAddress } from "./encoding.ts";
import type { EventLog } from "../log/event-log.ts";
import { endOf, gather, type Gathered } from "../log/gather.ts";
import { joined } from "../../base/index.ts";
import { lookBack, type LookBack, type LookedBack } from "../log/look-back.ts";
import type { LaneBudget } from "./lane-budget.ts";
import { Lane } from "./lane.ts";
import { MAX_LANE_BYTES, PAGE_BYTES } from "../limits.ts";
import type { FieldIndexes } from "../matching/field-indexes.ts";
import { matcherOf, type Narrowing } from "../matching/narrowing.ts";
import type { Page } from "./page.ts";
import type { PageCache } from "./page-cache.ts";
import type { Offset, ToldPosition } from "../position.ts";
import { asRemoved, type TopicEvent } from "../event.ts";
import { WHOLE_VIEW } from "./view-id.ts";
import type { Walk } from "../log/walk.ts";
import { Work } from "../slices/work.ts";

const NO_BYTES = new Uint8Array(0);

/** A reader that is notified when a lane has grown. */
export interface LaneReader {
  onGrown(): void;
  /** The log that it reads was replaced by another one. */
  onEnded?(): void;
}

/** A lane and its readers. */
export interface SharedLane {
  readonly encoding: Encoding;
  readonly lane: Lane;
  readonly readers: Set<LaneReader>;
  /** Whether its end is followed by an event that exceeds what its readers accept. */
  isCut: boolean;
}

/**
 * For how many events of the topic a view without readers stays awake, so that short-lived readers
 * such as long polls find it ready.
 */
const AWAKE_EVENTS = 1_000;

/** Whether a walk has anything to send, as far as one slice could find out. */
export type Probe =
  | { kind: "found" | "none"; units: number }
  | { kind: "yield"; units: number; walk: Walk };

/** The part of a topic that its views use. */
export interface ViewHost {
  readonly keyed: boolean;
  readonly log: EventLog;
  /** The indexes over the log, if the topic has any. */
  readonly indexes: FieldIndexes | undefined;
  readonly pages: PageCache;
  readonly lanes: LaneBudget;
  /** The number of events that the topic has received. */
  readonly eventCount: number;
  /** From now on, `take` is called for the events that may concern the view. */
  watch(view: View): void;
  unwatch(view: View): void;
  /** The first reader has joined, or the last one left. */
  onUsed(isUsed: boolean): void;
}

/**
 * A topic's log as seen by subscribers with equal params.
 *
 * Matching runs once per event and view, not once per subscriber.
 */
export class View {
  readonly topic: TopicAddress;
  readonly narrowing: Narrowing;
  readonly #host: ViewHost;
  readonly #matches: (event: TopicEvent) => boolean;
  readonly #lanes = new Map<string, SharedLane>();
  /** Lanes with readers that end before an event that exceeds their limit. */
  readonly #cutLanes = new Set<SharedLane>();
  readonly #grown = new Set<SharedLane>();
  readonly #tombstones = new Tombstones();
  #isWatching = false;
  /** From this offset on, readers have received everything, as long as the view is awake. */
  #toldFrom: Offset | undefined;
  /** The topic's event count when the view was last used. */
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
   * Whether a position was reached in this view, as far as the client says so or it can be known.
   * Under other params, a reader did not receive keys that match the current ones and have not
   * changed since.
   */
  hasTold({ offset, view }: ToldPosition): boolean {
    const own = this.topic.view;
    // At offset 0 there was nothing to receive in any view.
    if (own === undefined || offset === 0) return true;
    if (view !== undefined) return view === own;
    if (own === WHOLE_VIEW) return true;
    return this.#toldFrom !== undefined && this.#toldFrom <= offset;
  }

  /** Keeps the view awake, because a reader is about to use it. */
  wake(): void {
    this.#usedAt = this.#host.eventCount;
    if (!this.#host.keyed) return;
    this.#watch();
    this.#tombstones.watchFrom(this.#host.log.lastOffset);
  }

  /** Stops the view from receiving events; it no longer knows what it misses. */
  sleep(): void {
    this.#host.pages.clear(this);
    this.#tombstones.stop();
    this.#toldFrom = undefined;
    if (this.#isWatching) this.#host.unwatch(this);
    this.#isWatching = false;
  }

  /** Joins the lane of this encoding, which is created for its first reader. */
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

  /** Ends all readers. */
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
    // In a log topic, nobody needs to know what an unused view has missed.
    if (!this.#host.keyed) this.sleep();
  }

  /** Processes a new event of the topic. `replaced` is the key's previous event. */
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
   * Returns the event as subscribers of this view see it: unchanged; as a removal if its key used
   * to match; or `undefined`.
   */
  seenAs(event: TopicEvent, replaced: TopicEvent | undefined): TopicEvent | undefined {
    if (!event.removed && this.#matches(event)) return event;
    if (event.key === undefined) return undefined;
    const matched = replaced !== undefined && !replaced.removed && this.#matches(replaced);
    return matched ? asRemoved(event) : undefined;
  }

  /**
   * Yields what a walk still has to send: a log topic's matching events, or a keyed topic's entries
   * in the order of their newest change. It walks everything without pausing.
   */
  *entriesAfter({ reached, base }: Walk): Generator<TopicEvent, void, undefined> {
    for (const event of this.#host.log.after(reached)) {
      if (!event.removed && this.#matches(event)) yield event;
      else if (this.#wasLost(event, base)) yield asRemoved(event);
    }
  }

  /**
   * Returns the next page of a walk, or as much of it as one slice finds. Subscribers at the same
   * position share its bytes.
   *
   * Keys that change during a walk move to its end, so the walk always ends with the current state
   * and needs no memory of its own.
   */
  page(encoding: Encoding, walk: Walk): Page {
    const { log, pages } = this.#host;
    const { reached, base, complete, until = "" } = walk;
    const name = `${encoding.name} ${reached} ${base} ${complete} ${until}`;
    const known = pages.get(this, name);
    // Events that did not concern this view may have followed, and a last page must name the
    // current end.
    if (known !== undefined && (!known.isLast || known.reached === endOf(walk, log))) return known;
    const page = this.#makePage(encoding, walk);
    const hasMoved = page.isLast || page.reached > walk.reached;
    if (hasMoved) pages.set(this, name, { ...page, units: 0, visits: 0 });
    return page;
  }

  /** Visits a log topic's matching events towards the oldest one. */
  lookBack(
    from: LookBack,
    slice: { work: Work; take: (event: TopicEvent) => boolean },
  ): LookedBack {
    return lookBack({ log: this.#host.log, narrowing: this.narrowing }, from, slice);
  }

  /** Finds out whether a walk has anything to send. */
  probe(walk: Walk): Probe {
    const work = new Work();
    // With a negative size, the page is full after the first entry.
    const { reached, end } = this.#gather(walk, work, -1);
    const { units } = work;
    if (end === "yield") return { kind: "yield", units, walk: { ...walk, reached } };
    return { kind: end === "full" ? "found" : "none", units };
  }

  /**
   * Whether a reader that received everything up to `base` must learn that the event's key is gone.
   */
  #wasLost({ key, offset }: TopicEvent, base: Offset): boolean {
    return key !== undefined && offset > base && this.#tombstones.mayBeHeld(key, base);
  }

  /** Lets readers read the rest of the lane, and then ends them. */
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
      // The page is too long; entry by entry, those before the one that is too long still get
      // through.
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
    // An empty page matters only if it is the last one.
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
