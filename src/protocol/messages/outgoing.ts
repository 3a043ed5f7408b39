/** Where outgoing bytes go. */
export interface ByteSink {
  write(chunk: Uint8Array): void;
  writeAll(chunks: readonly Uint8Array[]): void;
}

/**
 * The bytes that a connection has to write, in order.
 *
 * Everything that a connection sends in one turn gathers here and can leave in one write.
 */
export interface Outgoing {
  /** How many bytes wait here. */
  readonly size: number;

  /**
   * Passes everything to `sink`, in one call, and is empty.
   *
   * @returns false, and passes nothing, if memory that came by reference is no longer as long as it
   *   was: it was transferred to another thread, or resized, and a frame would lack its end
   */
  writeTo(sink: ByteSink): boolean;

  /** Returns everything and is empty. */
  take(): Uint8Array[];

  /**
   * Reports that what was taken last has been copied out, so that its memory can be used again.
   * Without this call that memory is not reused.
   */
  release(): void;
}
