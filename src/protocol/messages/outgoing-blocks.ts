import type { Block, BlockPool, ByteOperations } from "../../base/index.ts";
import type { ByteSink, Outgoing } from "./outgoing.ts";

/**
 * Outgoing bytes, in order: pieces of shared blocks for encoded frames, and complete frames by
 * reference.
 *
 * Everything that a connection sends in one turn is collected here and leaves in one write.
 */
export class OutgoingBlocks implements Outgoing {
  readonly #pool: BlockPool;
  /** The pieces before the current one; usually there are none. */
  #done: Uint8Array[] | undefined;
  /** The block of the current piece, which reaches from `start` to `end`. */
  #block: Block | undefined;
  #start = 0;
  #end = 0;
  #size = 0;
  /** The blocks of the waiting pieces, and of those that were handed over last. */
  #blocks: Block[] | undefined;
  #taken: Block[] | undefined;

  constructor(bytes: ByteOperations) {
    this.#pool = bytes.blocks;
  }

  get size(): number {
    return this.#size;
  }

  /** Reserves `size` bytes and returns their block; write from `position` on. */
  reserve(size: number): Uint8Array {
    const present = this.#block;
    // No other connection has written to the block after this piece.
    const isOurs = present !== undefined && present.position === this.#end;
    if (isOurs && present.bytes.length - this.#end >= size) return present.bytes;
    this.#closePiece();
    const block = this.#pool.reserve(size);
    this.#block = block;
    this.#start = block.position;
    this.#end = block.position;
    return block.bytes;
  }

  /** The position of the next byte in the reserved room. */
  get position(): number {
    return this.#end;
  }

  /** Commits the reserved room up to `end`. */
  commit(end: number): void {
    const block = this.#block!;
    if (this.#end === this.#start) {
      block.pieces += 1;
      (this.#blocks ??= []).push(block);
    }
    this.#size += end - this.#end;
    this.#end = end;
    block.position = end;
  }

  /**
   * Adds `bytes` by reference; they must not change until they are written.
   *
   * @param size the length of the bytes when they were sent
   */
  share(bytes: Uint8Array, size: number = bytes.length): void {
    this.#closePiece();
    (this.#done ??= []).push(bytes);
    this.#size += size;
  }

  writeTo(sink: ByteSink): boolean {
    const size = this.#size;
    const all = this.take();
    if (lengthOf(all) !== size) return false;
    if (all.length === 1) sink.write(all[0]!);
    else if (all.length > 1) sink.writeAll(all);
    return true;
  }

  take(): Uint8Array[] {
    this.#closePiece();
    this.#taken = this.#blocks;
    this.#blocks = undefined;
    this.#size = 0;
    const all = this.#done ?? [];
    this.#done = undefined;
    return all;
  }

  release(): void {
    if (this.#taken === undefined) return;
    for (const block of this.#taken) this.#pool.release(block);
    this.#taken = undefined;
  }

  #closePiece(): void {
    const block = this.#block;
    if (block === undefined) return;
    this.#block = undefined;
    if (this.#end > this.#start) {
      (this.#done ??= []).push(block.bytes.subarray(this.#start, this.#end));
    }
    this.#start = 0;
    this.#end = 0;
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
