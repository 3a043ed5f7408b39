/** Something that writes when there is room. */
export interface Pumped {
  pump(): void;
}

/** Where a subscriber's bytes go. */
export interface SendBuffer {
  /** What was written and has not left the process. */
  readonly bufferedAmount: number;
  /** Writes encoded bytes, by reference: they don't change any more. */
  write(bytes: Uint8Array): void;
  /** Asks that `reader` is pumped again once nothing is buffered. */
  watchDrain(reader: Pumped): void;
  /** What the reader has to say cannot be said; ends the connection and reports the cause. */
  fail(cause: unknown): void;
}
