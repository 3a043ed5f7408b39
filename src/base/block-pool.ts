/** Memory that several writers fill piece by piece. */
export interface Block {
  readonly bytes: Uint8Array;
  /** Where the next piece begins. */
  position: number;
  /** Pieces that somebody still needs. */
  pieces: number;
}

/** How many free blocks are kept. */
const KEPT = 16;

/**
 * Lends room to write output into.
 *
 * All connections write into the same block, one piece behind the other, and it begins anew once no
 * piece is needed. So ten thousand that each write a little in one turn fill a few blocks, where a
 * block for each would be hundreds of megabytes.
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
   * Returns a block with room for `size` bytes from its `position` on. Who writes there moves
   * `position` before anybody else asks, and counts itself in `pieces`.
   */
  reserve(size: number): Block {
    const present = this.#present;
    if (present !== undefined && present.bytes.length - present.position >= size) return present;
    if (size > this.#blockBytes) return freshBlock(this.#allocate(size));
    return (this.#present = this.#free.pop() ?? freshBlock(this.#allocate(this.#blockBytes)));
  }

  /** Says that nobody needs one piece of `block` any more. */
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
