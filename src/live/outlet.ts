/** Where a subscriber's bytes go. */
export interface Outlet {
  /** What was written and has not left the process. */
  readonly bufferedAmount: number;
  /** Writes encoded bytes, by reference: they don't change any more. */
  write(bytes: Uint8Array): void;
  /** Asks to be pumped again once nothing is buffered. */
  watchDrain(): void;
}
