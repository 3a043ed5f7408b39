import {
  EventLog,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../topics/index.ts";
import type { Entry } from "./message.ts";
import { Repeats } from "./repeats.ts";

/** The outcome of a message. */
export type Outcome =
  | { kind: "appended" }
  /** It repeats the event with this offset. */
  | { kind: "duplicate"; offset: Offset }
  /** Its key did not have the required offset. */
  | { kind: "conflict" };

const APPENDED: Outcome = { kind: "appended" };

/** How often positions and times are recorded, as a fraction of the window. */
const MARKS_PER_WINDOW = 30;

/**
 * What a node knows of a topic from its stream, message by message in order.
 *
 * NATS orders the messages. Whether a message is valid is decided here, from the stream alone, so
 * that all nodes decide alike. An invalid message stays in the stream and is skipped.
 */
export class Journal {
  readonly log: EventLog;
  readonly repeats: Repeats;
  readonly #isKeyed: boolean;
  readonly #windowMs: number;
  /** The newest message of each key of a keyed topic, until the existing stream has been read. */
  #reading: Map<string, Entry> | undefined;
  /** Up to here the stream has only valid messages, because another node has deleted the others. */
  #settled: Offset = 0;
  /** The stream's first message. */
  #first: Offset = 0;
  #position: Offset = 0;
  /** The invalid messages. */
  readonly #voids = new Map<Offset, Outcome>();
  /** Positions without a message at the time the stream was read. */
  #holes: Offset[] = [];
  /** For keys whose newest event was copied: the position of the newest copy. */
  readonly #copies = new Map<string, Offset>();
  readonly #leases = new Map<string, number>();
  /** Positions in the stream, and when they were written. */
  #marks: { position: Offset; at: number }[] = [];
  /** When the newest event was written. */
  #writtenAt = 0;

  constructor({ kind, retention }: TopicDeclaration, windowMs: number) {
    this.#isKeyed = kind === "keyed";
    this.#windowMs = windowMs;
    this.log = new EventLog(kind, retention);
    this.repeats = new Repeats(windowMs);
    if (this.#isKeyed) this.#reading = new Map();
  }

  set settled(position: Offset) {
    this.#settled = position;
  }

  /** The position of the last message processed. */
  get position(): Offset {
    return this.#position;
  }

  /**
   * Returns the event that the message appends; undefined while the stream is being read, or if it
   * is invalid.
   */
  take(entry: Entry): TopicEvent | undefined {
    this.#position = entry.position;
    this.#mark(entry);
    if (entry.isCopy) {
      this.#takeCopy(entry);
      return undefined;
    }
    const outcome = this.#judge(entry);
    if (outcome.kind !== "appended") return void this.#voids.set(entry.position, outcome);
    const { event, once } = entry;
    if (once !== undefined) this.repeats.remember(once, event.offset, event.at);
    if (this.#reading !== undefined) return void this.#reading.set(event.key ?? "", entry);
    this.#append(entry);
    return event;
  }

  /**
   * Records that the stream has no messages from `from` to `to`. Returns whether it begins before
   * that.
   */
  pass(from: Offset, to: Offset): boolean {
    this.#position = to;
    for (let at = Math.max(from, this.#first); at <= to; at += 1) this.#holes.push(at);
    return to >= this.#first;
  }

  /** Ends the reading of the existing stream; returns the retained events, oldest first. */
  finishReading(): Entry[] {
    const entries = [...(this.#reading?.values() ?? [])];
    this.#reading = undefined;
    entries.sort((one, other) => one.event.offset - other.event.offset);
    for (const entry of entries) this.#append(entry);
    return entries;
  }

  /** Returns the outcome of the message at `position`, which must have been followed. */
  outcomeOf(position: Offset): Outcome {
    return this.#voids.get(position) ?? APPENDED;
  }

  /** The offset of a key's newest event; undefined if the key has no value. */
  live(key: string): Offset | undefined {
    const event = this.#reading?.get(key)?.event ?? this.log.newest(key);
    return event === undefined || event.removed ? undefined : event.offset;
  }

  leaseOf(key: string): number | undefined {
    return this.#leases.get(key);
  }

  /** The last position that was written before `time`. */
  placeBefore(time: number): Offset {
    if (this.#writtenAt < time) return this.#position;
    let place: Offset = 0;
    for (const { position, at } of this.#marks) {
      if (at >= time) break;
      place = position;
    }
    return place;
  }

  /** The newest events of keys whose last message is at or before `position`. */
  onlyUpTo(position: Offset): TopicEvent[] {
    const found: TopicEvent[] = [];
    for (const event of this.log.after(0)) {
      if (event.offset > position) break;
      if ((this.#copies.get(event.key ?? "") ?? 0) <= position) found.push(event);
    }
    return found;
  }

  /** The positions of invalid messages. */
  voids(): Offset[] {
    return [...this.#voids.keys()];
  }

  /** How many messages from `first` on may be missing without a loss. */
  missingFrom(first: Offset): number {
    return this.#holes.filter((position) => position >= first).length + this.#voids.size;
  }

  /** Forgets messages before `first`, the stream's first message. */
  forgetBefore(first: Offset): void {
    if (first <= this.#first) return;
    this.#first = first;
    for (const position of this.#voids.keys()) {
      if (position < first) this.#voids.delete(position);
    }
    if ((this.#holes[0] ?? first) < first) {
      this.#holes = this.#holes.filter((position) => position >= first);
    }
    for (const [key, position] of this.#copies) {
      if (position < first) this.#copies.delete(key);
    }
    if ((this.#marks[0]?.position ?? first) < first) {
      this.#marks = this.#marks.filter(({ position }) => position >= first);
    }
  }

  #judge({ event, once, ifNewest, position }: Entry): Outcome {
    const first = once === undefined ? undefined : this.repeats.find(once, event.at);
    if (first !== undefined) return { kind: "duplicate", offset: first };
    if (ifNewest === undefined) return APPENDED;
    const { key = "" } = event;
    // The key's earlier events and the invalid messages have left the stream.
    if (position <= this.#settled && this.#reading?.has(key) === false) return APPENDED;
    return (this.live(key) ?? 0) === ifNewest ? APPENDED : { kind: "conflict" };
  }

  #takeCopy(entry: Entry): void {
    const { event, position } = entry;
    const { key = "", offset } = event;
    if (this.#reading !== undefined) {
      const known = this.#reading.get(key)?.event.offset ?? 0;
      if (known > offset) return;
      this.#reading.set(key, entry);
    } else if (this.log.newest(key)?.offset !== offset) return;
    this.#copies.set(key, position);
  }

  #append({ event, leaseMs }: Entry): void {
    const { key, offset } = event;
    this.log.append(event);
    if (key === undefined) return;
    if (leaseMs === undefined) this.#leases.delete(key);
    else this.#leases.set(key, leaseMs);
    if ((this.#copies.get(key) ?? offset) < offset) this.#copies.delete(key);
  }

  #mark({ position, isCopy, event: { at } }: Entry): void {
    if (!this.#isKeyed || isCopy) return;
    this.#writtenAt = at;
    const last = this.#marks.at(-1);
    if (last === undefined || at - last.at >= this.#windowMs / MARKS_PER_WINDOW) {
      this.#marks.push({ position, at });
    }
  }
}
