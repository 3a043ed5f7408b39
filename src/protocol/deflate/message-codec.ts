/**
 * Compresses the messages of one connection, in their order; the platform brings it.
 *
 * A message is what RFC 7692 §7.2.1 describes, without the four octets 00 00 ff ff that would end
 * each one.
 */
export interface Deflater {
  /** From how many bytes on a message is worth it. */
  readonly thresholdBytes: number;
  /** From how many bytes on the result may come later. */
  readonly laterFromBytes: number;
  /**
   * Compresses one message that is not empty.
   *
   * @param payload must not change until the result is there
   * @param whenDone called with the result if it comes later; only then may the next message come
   * @returns the result if it is there at once, good until the next call; `"plain"` if the message
   *   should go as it is, being no shorter compressed; `"later"` otherwise
   */
  deflate(
    payload: Uint8Array,
    whenDone: (result: Uint8Array | "plain") => void,
  ): Uint8Array | "plain" | "later";
}

/** Where inflated payload goes. */
export interface InflateSink {
  /**
   * A piece of payload: `source` from `start` to `end`, lent until the call returns.
   *
   * @param ends whether the message is complete with it
   * @returns whether inflating goes on
   */
  onInflated(source: Uint8Array, start: number, end: number, ends: boolean): boolean;
  /** The payload was no DEFLATE data. */
  onInflateFailed(): void;
}

/** Inflates the messages of one connection, in their order; the platform brings it. */
export interface Inflater {
  /**
   * Inflates one message: `source` from `start` to `end`.
   *
   * @param lent whether `source` is good only until the call returns
   * @returns `"later"` if the sink hears of the end of it after the call has returned
   */
  inflate(
    payload: { source: Uint8Array; start: number; end: number; lent: boolean },
    sink: InflateSink,
  ): "done" | "later";
}

/** What permessage-deflate needs at both ends of a connection. */
export interface MessageCodec {
  readonly deflater: Deflater;
  readonly inflater: Inflater;
  /** Lets go of what is held for this connection; nothing is called back any more. */
  close(): void;
}
