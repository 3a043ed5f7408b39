import { type MemoryAccount, OldestFirst } from "../../base/index.ts";
import { LiveError, type Offset, REMEMBERED_BYTES, textBytes } from "../../topics/index.ts";

/** The most keys that a topic remembers; beyond that, the oldest are dropped early. */
const MAX_KEYS = 1_000_000;
/**
 * A hash table is copied when it grows. One table for all keys would hold the event loop for the
 * time of copying hundreds of thousands of them.
 */
const KEYS_PER_SEGMENT = 131_072;
/** So many keys are dropped at most in one call. */
const MAX_DROPPED_AT_ONCE = 1_000;

/** The event that was first appended with a key. */
export interface FirstAppend {
  readonly offset: Offset;
  /** When it was appended. */
  readonly at: number;
}

/** A run of keys in the order in which they were added. */
interface Segment {
  /** The row of each key in the columns. */
  readonly rows: OldestFirst<string, number>;
  readonly offsets: Offset[];
  readonly times: number[];
  readonly payers: (MemoryAccount | undefined)[];
}

/**
 * Recent idempotency keys with the offsets of their events, oldest first, in columns: with an object
 * for each key they would need twice the memory.
 */
export class RememberedKeys {
  readonly #onDropped: ((offset: Offset) => void) | undefined;
  /** Oldest first. A key that was added again is in two of them, and the newer one counts. */
  readonly #segments: Segment[] = [];
  #size = 0;

  /** @param onDropped called for each key that is dropped */
  constructor(onDropped?: (offset: Offset) => void) {
    this.#onDropped = onDropped;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** When the oldest key was appended; undefined if there is none. */
  get oldestAt(): number | undefined {
    const [segment] = this.#segments;
    return segment?.times[segment.rows.oldest?.[1] ?? 0];
  }

  find(key: string): FirstAppend | undefined {
    for (let at = this.#segments.length - 1; at >= 0; at -= 1) {
      const { rows, offsets, times } = this.#segments[at]!;
      const row = rows.get(key);
      if (row !== undefined) return { offset: offsets[row]!, at: times[row]! };
    }
    return undefined;
  }

  /** @param payer has been charged for the key, and is refunded when it is dropped */
  add(key: string, { offset, at }: FirstAppend, payer: MemoryAccount | undefined): void {
    const { rows, offsets, times, payers } = this.#segmentFor(key);
    rows.set(flat(key), offsets.length);
    offsets.push(offset);
    times.push(at);
    payers.push(payer);
    this.#size += 1;
    if (this.#size > MAX_KEYS) this.#dropOldest();
  }

  /** Drops the keys that were appended before `oldest`, at most 1,000 in one call. */
  dropBefore(oldest: number): void {
    for (let dropped = 0; dropped < MAX_DROPPED_AT_ONCE; dropped += 1) {
      const at = this.oldestAt;
      if (at === undefined || at >= oldest) return;
      this.#dropOldest();
    }
  }

  /** Drops all keys without calling `onDropped`. */
  close(): void {
    for (const { rows, payers } of this.#segments) {
      for (const [key, row] of rows) refundKey(key, payers[row]);
    }
    this.#segments.length = 0;
    this.#size = 0;
  }

  #segmentFor(key: string): Segment {
    const newest = this.#segments.at(-1);
    const hasRoom = newest !== undefined && newest.offsets.length < KEYS_PER_SEGMENT;
    if (hasRoom && !newest.rows.has(key)) return newest;
    const segment = { rows: new OldestFirst<string, number>(), offsets: [], times: [], payers: [] };
    this.#segments.push(segment);
    return segment;
  }

  #dropOldest(): void {
    const [segment] = this.#segments;
    const [key, row] = segment?.rows.oldest ?? [];
    if (segment === undefined || key === undefined || row === undefined) return;
    segment.rows.delete(key);
    this.#size -= 1;
    if (segment.rows.size === 0) this.#segments.shift();
    refundKey(key, segment.payers[row]);
    this.#onDropped?.(segment.offsets[row]!);
  }
}

/**
 * Charges the payer for remembering `key`.
 *
 * @throws LiveError `rate_limited` if the payer has no room for it
 */
export function chargeKey(key: string, payer: MemoryAccount | undefined): void {
  if (payer === undefined || payer.charge(costOf(key))) return;
  const message =
    "Your share of this server's memory is used up by keys of recent publishes; publish more slowly, or without idempotencyKey.";
  throw new LiveError("rate_limited", message);
}

export function refundKey(key: string, payer: MemoryAccount | undefined): void {
  payer?.refund(costOf(key));
}

function costOf(key: string): number {
  return REMEMBERED_BYTES + textBytes(key);
}

/** The same text in one piece: V8 keeps a concatenated text as its pieces. */
function flat(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
