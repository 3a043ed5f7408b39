/** A reader that writes when there is room. */
export interface Pumped {
  pump(): void;
}

/** The output of a subscriber. */
export interface SendBuffer {
  /** Bytes that were written and have not left the process. */
  readonly bufferedAmount: number;
  /** Writes encoded bytes by reference; they must not change afterwards. */
  write(bytes: Uint8Array): void;
  /** Pumps `reader` again once nothing is buffered. */
  watchDrain(reader: Pumped): void;
  /** Ends the connection after an internal error and reports its cause. */
  fail(cause: unknown): void;
}
