import { Departures } from "./departures.ts";
import type { Encoding, TopicAddress } from "./encoding.ts";
import type { EventLog } from "./event-log.ts";
import { joined } from "./joined.ts";
import { Lane } from "./lane.ts";
import type { Offset } from "./position.ts";
import { asRemoved, type TopicEvent } from "./topic-event.ts";
import type { Walk } from "./walk.ts";

/** About how many bytes a page may have before another one is begun. */
const PAGE_BYTES = 64 * 1024;
/** What an entry has beside its key and its data, about. */
const ENTRY_OVERHEAD_BYTES = 48;

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
}

/**
 * How many pages are kept for others who come to the same place. They go with the next event.
 */
const KEPT_PAGES = 16;

/**
 * For how many of the topic's events a view goes on watching when nobody reads it: those who come
 * and go, such as long polls, find it awake.
 */
const AWAKE_EVENTS = 1_000;

export interface Page {
  bytes: Uint8Array;
  /** Everything up to here has been told, or did not match. */
  reached: Offset;
  /** The offset that the subscriber can know from the page itself. */
  told: Offset;
  isLast: boolean;
}

/**
 * A topic's log as subscribers with equal params see it.
 *
 * Matching is done once per event here, not once per subscriber.
 */
export class View {
  readonly topic: TopicAddress;
  readonly #log: EventLog;
  readonly #keyed: boolean;
  readonly #matches: (event: TopicEvent) => boolean;
  readonly #maxLaneBytes: number;
  readonly #lanes = new Map<string, SharedLane>();
  readonly #grown = new Set<SharedLane>();
  readonly #pages = new Map<string, Page>();
  readonly #departures = new Departures();
  #idleEvents = 0;

  constructor(
    topic: TopicAddress,
    log: EventLog,
    options: {
      keyed: boolean;
      matches: (event: TopicEvent) => boolean;
      maxLaneBytes: number;
    },
  ) {
    this.#keyed = options.keyed;
    this.topic = topic;
    this.#log = log;
    this.#matches = options.matches;
    this.#maxLaneBytes = options.maxLaneBytes;
  }

  get isUnused(): boolean {
    return this.#lanes.size === 0;
  }

  /** Somebody is about to use it. */
  wake(): void {
    this.#idleEvents = 0;
    if (this.#keyed) this.#departures.watchFrom(this.#log.lastOffset);
  }

  /** Joins the lane of this encoding, which is made when its first reader comes. */
  join(encoding: Encoding, reader: LaneReader): SharedLane {
    let shared = this.#lanes.get(encoding.name);
    if (shared === undefined) {
      shared = { encoding, lane: new Lane(this.#maxLaneBytes), readers: new Set() };
      this.#lanes.set(encoding.name, shared);
    }
    shared.readers.add(reader);
    return shared;
  }

  /** Tells all who read it that nothing more comes. */
  end(): void {
    for (const { readers } of this.#lanes.values()) {
      for (const reader of readers) reader.onEnded?.();
    }
  }

  leave(shared: SharedLane, reader: LaneReader): void {
    shared.readers.delete(reader);
    if (shared.readers.size > 0) return;
    this.#lanes.delete(shared.encoding.name);
    if (this.isUnused) this.#pages.clear();
  }

  /** Takes a new event of the topic in. `replaced` is what its key had before. */
  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    this.#pages.clear();
    if (this.isUnused && this.#hasFallenAsleep()) return;
    const seen = this.seenAs(event, replaced);
    if (seen === undefined) return;
    if (seen.removed && seen.key !== undefined) this.#departures.left(seen.key, seen.offset);
    this.#departures.forgetUpTo(this.#log.floor);
    for (const shared of this.#lanes.values()) {
      shared.lane.append(shared.encoding.event(this.topic, seen), event.offset);
      if (this.#grown.size === 0) queueMicrotask(() => this.#tellReaders());
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
   * entries, in the order of their newest change.
   */
  *entriesAfter({ reached, base }: Walk): Generator<TopicEvent, void, undefined> {
    for (const event of this.#log.after(reached)) {
      if (!event.removed && this.#matches(event)) yield event;
      else if (this.#wasLost(event, base)) yield asRemoved(event);
    }
  }

  /**
   * Returns the next page of a walk. Subscribers at the same place share its bytes.
   *
   * Keys that change while a walk goes on move to its end, so it always ends with the present
   * state, and it needs no memory of its own.
   */
  page(encoding: Encoding, walk: Walk): Page {
    const name = `${encoding.name} ${walk.reached} ${walk.base} ${walk.complete}`;
    const known = this.#pages.get(name);
    if (known !== undefined) return known;
    const page = this.#makePage(encoding, walk);
    const [oldest] = this.#pages.keys();
    if (oldest !== undefined && this.#pages.size >= KEPT_PAGES) this.#pages.delete(oldest);
    this.#pages.set(name, page);
    return page;
  }

  /** Whether who was told everything up to `base` has to be told that the event's key is gone. */
  #wasLost({ key, offset }: TopicEvent, base: Offset): boolean {
    return key !== undefined && offset > base && this.#departures.mayBeHeld(key, base);
  }

  #hasFallenAsleep(): boolean {
    // Of a log topic's views nobody needs to know what they missed.
    if (!this.#keyed) return true;
    this.#idleEvents += 1;
    if (this.#idleEvents <= AWAKE_EVENTS) return false;
    this.#departures.stop();
    return true;
  }

  #makePage(encoding: Encoding, walk: Walk): Page {
    const entries: TopicEvent[] = [];
    let size = 0;
    let isLast = true;
    for (const entry of this.entriesAfter(walk)) {
      if (size > PAGE_BYTES) {
        isLast = false;
        break;
      }
      entries.push(entry);
      size += entry.json.length + (entry.key?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
    }
    const reached = isLast ? this.#log.lastOffset : entries.at(-1)!.offset;
    const state = { offset: reached, entries, complete: walk.complete, more: !isLast };
    const bytes = this.#keyed
      ? encoding.page(this.topic, state)
      : joined(entries, (event) => encoding.event(this.topic, event));
    const told = this.#keyed ? reached : (entries.at(-1)?.offset ?? walk.reached);
    return { bytes, reached, told, isLast };
  }

  #tellReaders(): void {
    const grown = [...this.#grown];
    this.#grown.clear();
    for (const { readers } of grown) for (const reader of readers) reader.onGrown();
  }
}
