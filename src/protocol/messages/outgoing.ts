/** Receives outgoing bytes. */
export interface ByteSink {
  write(chunk: Uint8Array): void;
  writeAll(chunks: readonly Uint8Array[]): void;
}

/**
 * The bytes that a connection has to write, in order.
 *
 * Everything that a connection sends in one turn is collected here and can leave in one write.
 */
export interface Outgoing {
  /** The number of waiting bytes. */
  readonly size: number;

  /**
   * Passes all waiting bytes to `sink`, in one call.
   *
   * @returns false, without passing anything, if memory that is held by reference was transferred
   *   to another thread or resized, so that a frame would be incomplete
   */
  writeTo(sink: ByteSink): boolean;

  /** Returns and removes all waiting bytes. */
  take(): Uint8Array[];

  /**
   * Must be called when the bytes that were taken last have been copied, so that their memory can
   * be reused.
   */
  release(): void;
}
