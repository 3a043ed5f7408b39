import type { ByteOperations } from "../base/index.ts";

/** Where bytes go that leave. */
export interface ByteSink {
  write(chunk: Uint8Array): void;
  writeAll(chunks: readonly Uint8Array[]): void;
}

/**
 * Bytes on their way out, in order: blocks of its own for what is written into it, and shared
 * bytes by reference.
 *
 * Everything that a connection sends in one turn gathers here and leaves in one write.
 */
export class Outgoing {
  readonly #bytes: ByteOperations;
  /** What goes before the present block's; there is none in the common case. */
  #done: Uint8Array[] | undefined;
  #block: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #size = 0;
  #taken: Uint8Array | undefined;

  constructor(bytes: ByteOperations) {
    this.#bytes = bytes;
  }

  /** How many bytes wait here. */
  get size(): number {
    return this.#size;
  }

  /** Makes room for `size` bytes in one block and returns it; write from `position` on. */
  reserve(size: number): Uint8Array {
    if (this.#block !== undefined && this.#block.length - this.#end >= size) return this.#block;
    this.#closeRange();
    this.#block = this.#bytes.borrowBlock(size);
    this.#start = 0;
    this.#end = 0;
    return this.#block;
  }

  /** Where in the reserved block the next byte goes. */
  get position(): number {
    return this.#end;
  }

  /** Says how far the reserved block has been written. */
  commit(end: number): void {
    this.#size += end - this.#end;
    this.#end = end;
  }

  /** Adds `bytes` by reference; they must not change until they are written out. */
  share(bytes: Uint8Array): void {
    this.#closeRange();
    (this.#done ??= []).push(bytes);
    this.#size += bytes.length;
  }

  /** Hands over everything, in one call, and is empty. */
  writeTo(sink: ByteSink): void {
    const all = this.take();
    if (all.length === 1) sink.write(all[0]!);
    else if (all.length > 1) sink.writeAll(all);
  }

  /** Hands over everything and is empty. */
  take(): Uint8Array[] {
    this.#closeRange();
    this.#taken = this.#block;
    this.#block = undefined;
    this.#start = 0;
    this.#end = 0;
    this.#size = 0;
    const all = this.#done ?? [];
    this.#done = undefined;
    return all;
  }

  /** Says that what was last handed over has been copied out, so that its block can serve again. */
  release(): void {
    if (this.#taken !== undefined) this.#bytes.returnBlock(this.#taken);
    this.#taken = undefined;
  }

  #closeRange(): void {
    if (this.#block === undefined || this.#end === this.#start) return;
    (this.#done ??= []).push(this.#block.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
