/** What a transport tells its owner. */
export interface TransportOwner {
  /**
   * Bytes from the peer: `chunk` up to `length`. They may be changed.
   *
   * @param lent whether they are good only until the call returns
   */
  onChunk(chunk: Uint8Array, length: number, lent: boolean): void;
  /** Where the next bytes are best read to; `undefined` for anywhere. */
  readonly room: Uint8Array | undefined;
  /** All that was written has gone to the operating system, after it had not at once. */
  onWritten(): void;
  /** The peer sends nothing more, and all before has been told. Also while it is paused. */
  onEnd(): void;
  /** It broke; `onGone` follows. */
  onError(error: Error): void;
  /** The last call. */
  onGone(): void;
}

/**
 * What carries the bytes of one connection: a stream of Node's, or what lies under a TCP socket.
 *
 * It ends by itself once both ends have.
 */
export interface Transport {
  /**
   * Starts telling `owner`, and reading. Where it is gone by then, that is all it tells.
   *
   * @param head bytes that came behind the handshake, told first; given away
   */
  start(owner: TransportOwner, head: Uint8Array): void;
  /** Whether it has been destroyed, or has ended. */
  readonly isGone: boolean;
  /** Whether `write` still does something. */
  readonly isWritable: boolean;
  /** Whether all that was written is gone, and its end said. */
  readonly isFinished: boolean;
  /** Bytes that were written and that the operating system has not taken. */
  readonly unsentBytes: number;
  readonly remoteAddress: string | undefined;
  /** Writes `chunk`, which must not change until nothing is unsent. */
  write(chunk: Uint8Array): void;
  /** Writes `chunks` in one go. */
  writeAll(chunks: readonly Uint8Array[]): void;
  /**
   * Calls `step`, in a later turn, once all that was written so far has gone to the operating
   * system; never, if the transport breaks before.
   */
  afterWritten(step: () => void): void;
  /** Tells the peer that nothing more comes, once all has been written. */
  end(): void;
  /** Ends it now. */
  destroy(): void;
  /** Ends it now, also for the peer: a stream of HTTP/2 by RST_STREAM. */
  cut(): void;
  /** Reads nothing more until `resume`; one chunk more may come. */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
}
