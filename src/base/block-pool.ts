/** Memory that several writers fill, piece by piece. */
export interface Block {
  readonly bytes: Uint8Array;
  /** The start of the next piece. */
  position: number;
  /** The number of pieces that are still in use. */
  pieces: number;
}

/** The maximum number of free blocks to keep. */
const KEPT = 16;

/**
 * Lends memory for output.
 *
 * All connections write their pieces into the same block, one after the other. The block is reused
 * once none of its pieces is in use. So ten thousand connections that each write a little in one
 * turn fill a few blocks; a block for each would take hundreds of megabytes.
 */
export class BlockPool {
  readonly #allocate: (size: number) => Uint8Array;
  readonly #blockBytes: number;
  readonly #free: Block[] = [];
  #present: Block | undefined;

  constructor(allocate: (size: number) => Uint8Array, blockBytes: number) {
    this.#allocate = allocate;
    this.#blockBytes = blockBytes;
  }

  /**
   * Returns a block with room for `size` bytes from its `position` on. The writer must advance
   * `position` before the next call, and increment `pieces`.
   */
  reserve(size: number): Block {
    const present = this.#present;
    if (present !== undefined && present.bytes.length - present.position >= size) return present;
    if (size > this.#blockBytes) return freshBlock(this.#allocate(size));
    return (this.#present = this.#free.pop() ?? freshBlock(this.#allocate(this.#blockBytes)));
  }

  /** Releases one piece of `block`. */
  release(block: Block): void {
    block.pieces -= 1;
    if (block.pieces > 0) return;
    block.position = 0;
    const isFree = block !== this.#present && block.bytes.length === this.#blockBytes;
    if (isFree && this.#free.length < KEPT) this.#free.push(block);
  }
}

function freshBlock(bytes: Uint8Array): Block {
  return { bytes, position: 0, pieces: 0 };
}
