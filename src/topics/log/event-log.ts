import { OldestFirst } from "../../base/index.ts";
import { EVENT_BYTES, textBytes } from "../memory-costs.ts";
import type { Offset } from "../position.ts";
import { defaultRetention, type Retention } from "../declaration/topic-declaration.ts";
import type { TopicEvent } from "../event.ts";

/** Fewer empty slots than this are not compacted. */
const HOLES_WORTH_CLOSING = 64;

/**
 * A topic's events in offset order.
 *
 * A log topic keeps its recent events. A keyed topic keeps the newest event of each key: a newer
 * event empties the slot of the older one, and empty slots are compacted from time to time. So a
 * keyed topic's state, the changes since an offset, and a page of either are all the same walk: the
 * events after an offset, in order.
 */
export class EventLog {
  readonly #keyed: boolean;
  readonly #retention: Retention;
  #slots: (TopicEvent | undefined)[] = [];
  /** The offset of each slot, including emptied ones, for searching. */
  #offsets: Offset[] = [];
  /** How many slots at the start are gone. */
  #head = 0;
  #holes = 0;
  #bytes = 0;
  readonly #slotOfKey = new Map<string, number>();
  /** The removal event of each removed key. */
  readonly #tombstones = new OldestFirst<string, TopicEvent>();
  #liveKeys = 0;
  #onDropped: ((offset: Offset) => void) | undefined;
  #lastOffset: Offset = 0;
  #floor: Offset = 0;

  constructor(kind: "log" | "keyed", retention: Partial<Retention> = {}) {
    this.#keyed = kind === "keyed";
    this.#retention = { ...defaultRetention, ...retention };
  }

  /**
   * Calls `onDropped` with the offset of each event that is no longer kept, so that its payer can
   * be refunded.
   */
  set onDropped(onDropped: (offset: Offset) => void) {
    this.#onDropped = onDropped;
  }

  /** The newest event's offset; 0 before the first. */
  get lastOffset(): Offset {
    return this.#lastOffset;
  }

  /** Events up to this offset have been dropped; a reader at or past it has missed nothing. */
  get floor(): Offset {
    return this.#floor;
  }

  /** The number of keys with a value. */
  get keyCount(): number {
    return this.#liveKeys;
  }

  /** The number of kept events, including removals. */
  get eventCount(): number {
    return this.#slots.length - this.#head - this.#holes;
  }

  /** An estimate of the memory of the kept events, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing is kept, not even a tombstone. */
  get isEmpty(): boolean {
    return this.eventCount === 0;
  }

  /**
   * Continues another log whose retained events this one has received.
   *
   * @param newest the other log's newest offset; if that event itself is gone, the log starts after
   *   it
   */
  continueFrom(newest: Offset, floor: Offset): void {
    this.#floor = Math.max(this.#floor, floor, this.#lastOffset < newest ? newest : 0);
    this.#lastOffset = Math.max(this.#lastOffset, newest);
  }

  newest(key: string): TopicEvent | undefined {
    const slot = this.#slotOfKey.get(key);
    return slot === undefined ? undefined : this.#slots[slot];
  }

  /** Appends `event` and returns the one that it replaces, if any. */
  append(event: TopicEvent): TopicEvent | undefined {
    const replaced = this.#keyed ? this.#replace(event) : undefined;
    this.#slots.push(event);
    this.#offsets.push(event.offset);
    this.#lastOffset = event.offset;
    this.#bytes += eventBytes(event);
    this.#trim(event.at);
    return replaced;
  }

  /** Yields the events after `offset`, oldest first. Do not append during the iteration. */
  *after(offset: Offset): Generator<TopicEvent, void, undefined> {
    for (let slot = this.#slotAfter(offset); slot < this.#slots.length; slot += 1) {
      const event = this.#slots[slot];
      if (event !== undefined) yield event;
    }
  }

  /** Yields the events before `offset`, newest first. Do not append during the iteration. */
  *before(offset: Offset): Generator<TopicEvent, void, undefined> {
    for (let slot = this.#slotAfter(offset - 1) - 1; slot >= this.#head; slot -= 1) {
      const event = this.#slots[slot];
      if (event !== undefined) yield event;
    }
  }

  /** Drops what exceeds the retention. */
  expire(now: number): void {
    this.#trim(now);
  }

  #replace(event: TopicEvent): TopicEvent | undefined {
    const { key = "" } = event;
    const slot = this.#slotOfKey.get(key);
    const replaced = slot === undefined ? undefined : this.#slots[slot];
    if (slot !== undefined) this.#empty(slot);
    this.#slotOfKey.set(key, this.#slots.length);
    const had = replaced !== undefined && !replaced.removed;
    if (event.removed) this.#tombstones.set(key, event);
    else this.#tombstones.delete(key);
    this.#liveKeys += (event.removed ? 0 : 1) - (had ? 1 : 0);
    if (this.#holes > HOLES_WORTH_CLOSING && this.#holes > this.#slots.length / 2) {
      this.#closeHoles();
      this.#slotOfKey.set(key, this.#slots.length);
    }
    return replaced;
  }

  #empty(slot: number): void {
    const event = this.#slots[slot];
    if (event === undefined) return;
    this.#slots[slot] = undefined;
    this.#holes += 1;
    this.#bytes -= eventBytes(event);
    this.#onDropped?.(event.offset);
  }

  #trim(now: number): void {
    if (this.#keyed) this.#trimTombstones(now);
    else this.#trimEvents(now);
  }

  #trimEvents(now: number): void {
    const { maxEvents, maxBytes, maxAgeMs } = this.#retention;
    for (;;) {
      const oldest = this.#slots[this.#head];
      if (oldest === undefined) break;
      const tooMany = this.#slots.length - this.#head > maxEvents || this.#bytes > maxBytes;
      if (!tooMany && now - oldest.at <= maxAgeMs) break;
      this.#slots[this.#head] = undefined;
      this.#head += 1;
      this.#bytes -= eventBytes(oldest);
      this.#onDropped?.(oldest.offset);
      this.#floor = oldest.offset;
    }
    if (this.#head > HOLES_WORTH_CLOSING && this.#head > this.#slots.length / 2) {
      this.#slots = this.#slots.slice(this.#head);
      this.#offsets = this.#offsets.slice(this.#head);
      this.#head = 0;
    }
  }

  #trimTombstones(now: number): void {
    const { maxEvents, maxAgeMs } = this.#retention;
    for (;;) {
      const [key, tombstone] = this.#tombstones.oldest ?? [];
      if (key === undefined || tombstone === undefined) return;
      if (this.#tombstones.size <= maxEvents && now - tombstone.at <= maxAgeMs) return;
      this.#tombstones.delete(key);
      this.#floor = tombstone.offset;
      this.#empty(this.#slotOfKey.get(key)!);
      this.#slotOfKey.delete(key);
    }
  }

  #closeHoles(): void {
    const slots: TopicEvent[] = [];
    for (const event of this.#slots) {
      if (event === undefined) continue;
      this.#slotOfKey.set(event.key ?? "", slots.length);
      slots.push(event);
    }
    this.#slots = slots;
    this.#offsets = slots.map((event) => event.offset);
    this.#holes = 0;
  }

  /** Finds the first slot whose offset is above `offset`, by bisection. */
  #slotAfter(offset: Offset): number {
    let low = this.#head;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The memory cost of an event in a log, in bytes, including overhead, so that empty events count
 * too.
 */
export function eventBytes({ json, key = "" }: Pick<TopicEvent, "json" | "key">): number {
  return textBytes(json) + textBytes(key) + EVENT_BYTES;
}
