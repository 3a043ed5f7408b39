/** Receives the events of a transport. */
export interface TransportOwner {
  /**
   * Called for bytes from the peer: `chunk` up to `length`. They may be changed.
   *
   * @param lent whether the bytes are valid only until the call returns
   */
  onChunk(chunk: Uint8Array, length: number, lent: boolean): void;
  /** The preferred buffer for the next bytes; `undefined` for any. */
  readonly room: Uint8Array | undefined;
  /** Called when pending writes have been handed to the operating system. */
  onWritten(): void;
  /**
   * Called when the peer has ended its side and all data before has been delivered; even while
   * paused.
   */
  onEnd(): void;
  /** Called when the transport failed; `onGone` follows. */
  onError(error: Error): void;
  /** The last call. */
  onGone(): void;
}

/**
 * Transfers the bytes of one connection: over a Node stream, or the handle of a TCP socket.
 *
 * It closes after both ends have ended.
 */
export interface Transport {
  /**
   * Starts reading, and notifying `owner`. If the transport is gone already, only that is notified.
   *
   * @param head the bytes after the handshake, delivered first; ownership is transferred
   */
  start(owner: TransportOwner, head: Uint8Array): void;
  /** Whether it has been destroyed, or has ended. */
  readonly isGone: boolean;
  /** Whether `write` still has an effect. */
  readonly isWritable: boolean;
  /** Whether everything has been written, including the end. */
  readonly isFinished: boolean;
  /** Bytes that were written but not handed to the operating system. */
  readonly unsentBytes: number;
  readonly remoteAddress: string | undefined;
  /**
   * Whether written chunks are read in this process and not by the operating system, so that
   * freeing one too early would crash the process.
   */
  readonly readsInProcess: boolean;
  /** Writes `chunk`, which must not change until nothing is unsent. */
  write(chunk: Uint8Array): void;
  /** Writes `chunks` with one call. */
  writeAll(chunks: readonly Uint8Array[]): void;
  /**
   * Calls `step`, in a later turn, once everything written so far has been handed to the operating
   * system. If the transport fails before, `step` is never called.
   */
  afterWritten(step: () => void): void;
  /** Ends this side after everything has been written. */
  end(): void;
  /** Closes the transport immediately. */
  destroy(): void;
  /** Closes the transport immediately and notifies the peer: an HTTP/2 stream by RST_STREAM. */
  cut(): void;
  /** Stops reading until `resume` is called; one more chunk may arrive. */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
}
