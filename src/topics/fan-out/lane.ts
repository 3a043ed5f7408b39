import type { LaneBudget } from "./lane-budget.ts";
import type { Offset } from "../position.ts";

/** The size of a block in bytes; a longer frame gets a block of its own. */
const BLOCK_BYTES = 64 * 1024;
/** A lane's first blocks are smaller, because thousands of lanes may carry little data. */
const FIRST_BLOCK_BYTES = 1024;

/** Longer frames are not copied but become a block of their own, so that lanes can share them. */
const SHARED_FRAME_BYTES = 32 * 1024;

/** Consecutive frames in one piece of memory. */
interface Block {
  readonly bytes: Uint8Array;
  /** The lane position of its first byte. */
  readonly start: number;
  used: number;
  /** For each frame, its end relative to the block's start, and its offset. */
  readonly ends: number[];
  readonly offsets: Offset[];
}

/** Bytes to write, and the reader's position afterwards. */
export interface Slice {
  bytes: Uint8Array;
  /** The lane position after the bytes. */
  next: number;
  /** The offset of the last frame in the bytes. */
  offset: Offset;
}

/**
 * One encoding of a view of a topic, as bytes ready for the wire.
 *
 * Each event is encoded once and appended, so what a subscriber has not read is one piece of shared
 * memory from its cursor to the end. Positions count bytes since the lane was created and never
 * restart.
 */
export class Lane {
  readonly #maxBytes: number;
  readonly #budget: LaneBudget | undefined;
  #blocks: Block[] = [];
  #end = 0;
  #bytes = 0;
  #lastSlice: { from: number; end: number; slice: Slice } | undefined;

  /**
   * @param maxBytes how much is kept; the oldest block is dropped first, and the newest only if the
   *   lanes of the budget together exceed it
   */
  constructor(maxBytes: number, budget?: LaneBudget) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  /** The position after the newest frame. */
  get end(): number {
    return this.#end;
  }

  /** The position of the oldest frame that is still available. */
  get start(): number {
    return this.#blocks[0]?.start ?? this.#end;
  }

  /** @param frame kept by reference if it is long; must not be changed */
  append(frame: Uint8Array, offset: Offset): void {
    const block = this.#blockFor(frame);
    block.used += frame.length;
    block.ends.push(block.used);
    block.offsets.push(offset);
    this.#end += frame.length;
    while (this.#bytes > this.#maxBytes && this.#blocks.length > 1) this.dropOldest();
  }

  /** Drops the oldest block; false if there is none. */
  dropOldest(): boolean {
    const block = this.#blocks.shift();
    if (block === undefined) return false;
    this.#bytes -= block.bytes.length;
    this.#lastSlice = undefined;
    this.#budget?.remove(block.bytes);
    return true;
  }

  /** Ends the lane when nobody reads it any more. */
  close(): void {
    while (this.dropOldest());
    this.#budget?.end(this);
  }

  /**
   * Returns frames starting at `position`: at least one frame, at most `maxBytes` if there are
   * more, and all from one block. `position` must be one that this lane returned, between `start`
   * and `end`.
   */
  read(position: number, maxBytes: number): Slice | undefined {
    if (position >= this.#end) return undefined;
    const last = this.#lastSlice;
    // Nearly all subscribers are at the same position and read the same bytes.
    if (last?.from === position && last.end === this.#end && last.slice.bytes.length <= maxBytes) {
      return last.slice;
    }
    const block = this.#blockAt(position);
    const slice = sliceOf(block, position, maxBytes);
    // Do not cache a slice that was cut for lack of room, because others can read more.
    const isWhole = slice.next === block.start + block.used;
    if (isWhole) this.#lastSlice = { from: position, end: this.#end, slice };
    return slice;
  }

  #blockAt(position: number): Block {
    for (let index = this.#blocks.length - 1; index > 0; index -= 1) {
      const block = this.#blocks[index]!;
      if (block.start <= position) return block;
    }
    return this.#blocks[0]!;
  }

  /** Returns the block to append `frame` to. */
  #blockFor(frame: Uint8Array): Block {
    const block = this.#blocks.at(-1);
    if (frame.length >= SHARED_FRAME_BYTES) return this.#addBlock(frame);
    if (block !== undefined && block.bytes.length - block.used >= frame.length) {
      block.bytes.set(frame, block.used);
      return block;
    }
    const usual = Math.min(BLOCK_BYTES, Math.max(FIRST_BLOCK_BYTES, this.#bytes * 4));
    const bytes = new Uint8Array(Math.max(usual, frame.length));
    bytes.set(frame);
    return this.#addBlock(bytes);
  }

  #addBlock(bytes: Uint8Array): Block {
    const block = { bytes, start: this.#end, used: 0, ends: [], offsets: [] };
    this.#blocks.push(block);
    this.#bytes += bytes.length;
    this.#budget?.add(this, bytes);
    return block;
  }
}

function sliceOf(block: Block, position: number, maxBytes: number): Slice {
  const from = position - block.start;
  let frame = block.ends.length - 1;
  if (block.used - from > maxBytes) {
    // The last frame that ends within the allowance, but at least the first one.
    const first = countUpTo(block.ends, from);
    frame = Math.max(first, countUpTo(block.ends, from + maxBytes) - 1);
  }
  const end = block.ends[frame]!;
  const bytes = block.bytes.subarray(from, end);
  return { bytes, next: block.start + end, offset: block.offsets[frame]! };
}

/** Returns how many of the ascending `values` are at most `limit`, by bisection. */
function countUpTo(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
