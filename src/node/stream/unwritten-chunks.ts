interface Unwritten {
  readonly chunk: Uint8Array;
  /** The length of the chunk when it was written. */
  readonly size: number;
}

/**
 * The chunks that a transport holds by reference until the operating system takes them.
 *
 * A transport would write a detached chunk as nothing, and a resized one with another length: a
 * message would be missing, or frames would be shifted. Here it is noticed. A transport that takes
 * everything immediately needs none of this.
 */
export class UnwrittenChunks {
  #chunks: Unwritten[] = [];
  /** The number of chunks at the front that were taken, so that each costs the same. */
  #taken = 0;
  #bytes = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push({ chunk, size: chunk.length });
    this.#bytes += chunk.length;
  }

  /**
   * Drops the chunks that have been written.
   *
   * @param unsentBytes what the transport still holds
   * @returns false if one of them was transferred or resized meanwhile
   */
  dropWritten(unsentBytes: number): boolean {
    let areIntact = true;
    for (; this.#taken < this.#chunks.length; this.#taken += 1) {
      const { chunk, size } = this.#chunks[this.#taken]!;
      if (this.#bytes - size < unsentBytes) break;
      this.#bytes -= size;
      if (chunk.length !== size) areIntact = false;
    }
    if (this.#taken * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#taken);
      this.#taken = 0;
    }
    return areIntact;
  }
}
