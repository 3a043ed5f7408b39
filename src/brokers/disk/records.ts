import { type HeldKey, keptEvent, type Offset, type TopicEvent } from "../../topics/index.ts";

/*
 * How it lies in the store: text, so that any tool for LevelDB shows it. Names and keys are JSON
 * strings: whatever characters they have, they end where the closing quote is, so that no topic's
 * records lie among those of another.
 *
 *   store                   {"format":1,"epoch":…,"births":…}
 *   batch                   the number of the newest write
 *   topic  "NAME"           {"kind":…,"birth":…,"floor":…,"maxAgeMs":…}
 *   event  "NAME" OFFSET    [at] or [at,key], a line's end, the JSON; no JSON if it was removed
 *   repeat "NAME" OFFSET    [at,idempotencyKey]
 *   lease  "NAME" "KEY"     [offset,until,leaseMs]
 */

/** Raised when an older version could misread what a newer one writes. */
export const FORMAT = 1;

export const STORE_KEY = "store";
export const BATCH_KEY = "batch";

/** The digits of `Number.MAX_SAFE_INTEGER`: with a fixed width, text order equals numeric order. */
const OFFSET_DIGITS = 16;

/** The record about the store itself. */
export interface StoreRecord {
  format: number;
  epoch: string;
  /**
   * How many topics have been forgotten. A topic created later gets a different epoch from them.
   */
  births: number;
  /**
   * Set while writes do not wait for the disk: the id of the boot in which that began, `""` if it
   * is unknown. Removed once everything is known to be on the disk.
   */
  unsyncedSince?: string;
}

export interface TopicRecord {
  kind: "log" | "keyed";
  birth: number;
  /** Events up to here have been deleted; in a keyed topic, removal events. */
  floor: Offset;
  /**
   * The retention of the last declaration, for when nobody opens the topic any more; `null` means
   * no limit.
   */
  maxAgeMs: number | null;
}

/** From the first (included) to the second (excluded). */
export interface KeyRange {
  gte: string;
  lt: string;
}

/** The space after a name, and the next character in key order. */
const [BEFORE, BEHIND] = [" ", "!"];

/** The records of all topics. */
export const allTopics: KeyRange = { gte: `topic${BEFORE}`, lt: `topic${BEHIND}` };

export function nameOfTopicKey(key: string): string {
  return JSON.parse(key.slice(allTopics.gte.length)) as string;
}

/** The keys of one topic's records. */
export class TopicKeys {
  readonly topic: string;
  readonly events: KeyRange;
  readonly repeats: KeyRange;
  readonly leases: KeyRange;

  constructor(name: string) {
    const quoted = JSON.stringify(name);
    this.topic = `topic ${quoted}`;
    this.events = rangeOf(`event ${quoted}`);
    this.repeats = rangeOf(`repeat ${quoted}`);
    this.leases = rangeOf(`lease ${quoted}`);
  }

  event(offset: Offset): string {
    return this.events.gte + digitsOf(offset);
  }

  repeat(offset: Offset): string {
    return this.repeats.gte + digitsOf(offset);
  }

  lease(key: string): string {
    return this.leases.gte + JSON.stringify(key);
  }
}

function rangeOf(prefix: string): KeyRange {
  return { gte: prefix + BEFORE, lt: prefix + BEHIND };
}

function digitsOf(offset: Offset): string {
  return String(offset).padStart(OFFSET_DIGITS, "0");
}

/** The offset in the key of an event or a repeat. */
export function offsetOfKey(key: string): Offset {
  return Number(key.slice(-OFFSET_DIGITS));
}

export function writeEvent({ at, key, json, removed }: TopicEvent): string {
  const head = key === undefined ? [at] : [at, key];
  return `${JSON.stringify(head)}\n${removed ? "" : json}`;
}

export function readEvent(offset: Offset, text: string): TopicEvent {
  const end = text.indexOf("\n");
  const [at, key] = JSON.parse(text.slice(0, end)) as [number, string?];
  const removed = text.length === end + 1;
  return keptEvent({ offset, key, json: removed ? "null" : text.slice(end + 1), removed, at });
}

/** An idempotency key and when it was appended. */
export type RepeatRecord = [at: number, idempotencyKey: string];

/** A key's lease with its full duration. */
export interface Lease extends HeldKey {
  until: number;
  leaseMs: number;
}

export function writeLease({ offset, until, leaseMs }: Lease): string {
  return JSON.stringify([offset, until, leaseMs]);
}

export function readLease(recordKey: string, text: string, { leases }: TopicKeys): Lease {
  const key = JSON.parse(recordKey.slice(leases.gte.length)) as string;
  const [offset, until, leaseMs] = JSON.parse(text) as [Offset, number, number];
  return { key, offset, until, leaseMs };
}
