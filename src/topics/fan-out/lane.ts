import type { LaneBudget } from "./lane-budget.ts";
import type { Offset } from "../position.ts";

/** Frames are gathered in blocks of this many bytes, or of one frame that is longer. */
const BLOCK_BYTES = 64 * 1024;
/** A lane's first blocks are smaller: there may be thousands that carry little. */
const FIRST_BLOCK_BYTES = 1024;

/** Frames from this length on are a block of their own and not copied, so that lanes share them. */
const SHARED_FRAME_BYTES = 32 * 1024;

/** A run of frames in one piece of memory. */
interface Block {
  readonly bytes: Uint8Array;
  /** The lane position of its first byte. */
  readonly start: number;
  used: number;
  /** Where each frame ends, counted from the block's start, and what offset it has. */
  readonly ends: number[];
  readonly offsets: Offset[];
}

/** Bytes to write, and where a cursor stands once they are written. */
export interface Slice {
  bytes: Uint8Array;
  /** The lane position behind them. */
  next: number;
  /** The offset of the last frame among them. */
  offset: Offset;
}

/**
 * One encoding of a view of a topic, as bytes ready for the wire.
 *
 * Each event is encoded once and lies behind the one before it, so what a subscriber lacks is one
 * piece of shared memory from its cursor to the end. Positions count bytes from the lane's making
 * on and never start again.
 */
export class Lane {
  readonly #maxBytes: number;
  readonly #budget: LaneBudget | undefined;
  #blocks: Block[] = [];
  #end = 0;
  #bytes = 0;
  #lastSlice: { from: number; end: number; slice: Slice } | undefined;

  /**
   * @param maxBytes how much is kept; the oldest block goes first, the newest only when the lanes
   *   of the budget keep too much together
   */
  constructor(maxBytes: number, budget?: LaneBudget) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  /** The position behind the newest frame. */
  get end(): number {
    return this.#end;
  }

  /** The position of the oldest frame that is still here. */
  get start(): number {
    return this.#blocks[0]?.start ?? this.#end;
  }

  /** @param frame kept as it is if it is long; not to be changed */
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

  /** Nobody reads it any more. */
  close(): void {
    while (this.dropOldest());
    this.#budget?.end(this);
  }

  /**
   * Returns frames from `position` on: at least one, at most `maxBytes` beyond that, and no more
   * than lie in one block. `position` is one that this lane gave, between `start` and `end`.
   */
  read(position: number, maxBytes: number): Slice | undefined {
    if (position >= this.#end) return undefined;
    const last = this.#lastSlice;
    // Nearly all subscribers stand at the same place and ask for the same bytes.
    if (last?.from === position && last.end === this.#end && last.slice.bytes.length <= maxBytes) {
      return last.slice;
    }
    const block = this.#blockAt(position);
    const slice = sliceOf(block, position, maxBytes);
    // One that was cut for a subscriber with little room would be too short for the others.
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

  /** The block that `frame` lies in, behind what lies there already. */
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

/** How many of the ascending `values` are not above `limit`, by bisection. */
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
