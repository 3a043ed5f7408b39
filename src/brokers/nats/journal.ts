import {
  EventLog,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import type { Entry } from "./message.ts";
import { Repeats } from "./repeats.ts";

/** What became of a message. */
export type Outcome =
  | { kind: "appended" }
  /** It repeats the event with this offset. */
  | { kind: "duplicate"; offset: Offset }
  /** Its key was not what it had to be. */
  | { kind: "conflict" };

const APPENDED: Outcome = { kind: "appended" };

/** How often it is noted when what was stored, as a part of the window. */
const MARKS_PER_WINDOW = 30;

/**
 * What a node knows of a topic from its stream, message by message in order.
 *
 * NATS orders the messages; whether one counts is decided here, from the stream alone, so that all
 * nodes decide alike. One that does not count stays in the stream and is passed over.
 */
export class Journal {
  readonly log: EventLog;
  readonly repeats: Repeats;
  readonly #isKeyed: boolean;
  readonly #windowMs: number;
  /** A keyed topic's newest of each key, until all that there was has been read. */
  #reading: Map<string, Entry> | undefined;
  /** Up to here the stream has no message that does not count: another node has seen to it. */
  #settled: Offset = 0;
  /** The stream's first message. */
  #first: Offset = 0;
  #position: Offset = 0;
  /** The messages that do not count. */
  readonly #voids = new Map<Offset, Outcome>();
  /** Places without a message, when the stream was read. */
  #holes: Offset[] = [];
  /** Of keys whose newest event is copied: where the newest copy stands. */
  readonly #copies = new Map<string, Offset>();
  readonly #leases = new Map<string, number>();
  /** Places in the stream, and when they were written. */
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

  /** Where the message stands that was taken last. */
  get position(): Offset {
    return this.#position;
  }

  /** Returns the event that it appends, unless the log is still being read or it does not count. */
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

  /** The stream has no messages from `from` to `to`. Returns whether it begins before that. */
  pass(from: Offset, to: Offset): boolean {
    this.#position = to;
    for (let at = Math.max(from, this.#first); at <= to; at += 1) this.#holes.push(at);
    return to >= this.#first;
  }

  /** All that there was has been read; returns what is kept of it, oldest first. */
  finishReading(): Entry[] {
    const entries = [...(this.#reading?.values() ?? [])];
    this.#reading = undefined;
    entries.sort((one, other) => one.event.offset - other.event.offset);
    for (const entry of entries) this.#append(entry);
    return entries;
  }

  /** What became of the message at `position`, which was followed. */
  outcomeOf(position: Offset): Outcome {
    return this.#voids.get(position) ?? APPENDED;
  }

  /** The offset of a key's newest event, if that has a value. */
  live(key: string): Offset | undefined {
    const event = this.#reading?.get(key)?.event ?? this.log.newest(key);
    return event === undefined || event.removed ? undefined : event.offset;
  }

  leaseOf(key: string): number | undefined {
    return this.#leases.get(key);
  }

  /** The last place that was written before `time`. */
  placeBefore(time: number): Offset {
    if (this.#writtenAt < time) return this.#position;
    let place: Offset = 0;
    for (const { position, at } of this.#marks) {
      if (at >= time) break;
      place = position;
    }
    return place;
  }

  /** The newest events of keys that stand nowhere else than up to `position` in the stream. */
  onlyUpTo(position: Offset): TopicEvent[] {
    const found: TopicEvent[] = [];
    for (const event of this.log.after(0)) {
      if (event.offset > position) break;
      if ((this.#copies.get(event.key ?? "") ?? 0) <= position) found.push(event);
    }
    return found;
  }

  /** The messages that do not count. */
  voids(): Offset[] {
    return [...this.#voids.keys()];
  }

  /** How many messages of the stream, from `first` on, may be missing without anything being lost. */
  missingFrom(first: Offset): number {
    return this.#holes.filter((position) => position >= first).length + this.#voids.size;
  }

  /** The stream begins with `first`. */
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
    // What the key had then has left the stream, and so have the messages that did not count.
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
