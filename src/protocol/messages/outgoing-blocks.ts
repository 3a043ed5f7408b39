import type { Block, BlockPool, ByteOperations } from "../../base/index.ts";
import type { ByteSink, Outgoing } from "./outgoing.ts";

/**
 * Bytes on their way out, in order: pieces of shared blocks for what is written into it, and
 * ready-made bytes by reference.
 *
 * Everything that a connection sends in one turn gathers here and leaves in one write.
 */
export class OutgoingBlocks implements Outgoing {
  readonly #pool: BlockPool;
  /** What goes before the present piece; there is none in the common case. */
  #done: Uint8Array[] | undefined;
  /** The block of the present piece, which reaches from `start` to `end`. */
  #block: Block | undefined;
  #start = 0;
  #end = 0;
  #size = 0;
  /** The blocks of the pieces that wait, and of those that were handed over last. */
  #blocks: Block[] | undefined;
  #taken: Block[] | undefined;

  constructor(bytes: ByteOperations) {
    this.#pool = bytes.blocks;
  }

  get size(): number {
    return this.#size;
  }

  /** Makes room for `size` bytes and returns where it is; write from `position` on. */
  reserve(size: number): Uint8Array {
    const present = this.#block;
    // Nobody else has written behind our piece.
    const isOurs = present !== undefined && present.position === this.#end;
    if (isOurs && present.bytes.length - this.#end >= size) return present.bytes;
    this.#closePiece();
    const block = this.#pool.reserve(size);
    this.#block = block;
    this.#start = block.position;
    this.#end = block.position;
    return block.bytes;
  }

  /** Where in the reserved room the next byte goes. */
  get position(): number {
    return this.#end;
  }

  /** Says how far the reserved room has been written. */
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
   * Adds `bytes` by reference; they must not change until they are written out.
   *
   * @param size how long they were when they were given
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
