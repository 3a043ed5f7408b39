/** Work that goes on after the call that began it. */
export interface LaterWork {
  /** Gives it up: it calls nothing back any more. Does nothing once it is over. */
  abandon(): void;
}

/**
 * Compresses messages; the platform brings it. Connections that keep no window from message to
 * message may share one: what is under way is held by whoever began it.
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
   * @param whenDone called with the result if it comes later; only then may the same connection's
   *   next message come
   * @returns the result if it is there at once, good until the next call; `"plain"` if the message
   *   should go as it is, being no shorter compressed; otherwise what is under way
   */
  deflate(
    payload: Uint8Array,
    whenDone: (result: Uint8Array | "plain") => void,
  ): Uint8Array | "plain" | LaterWork;
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

/** A compressed message: `source` from `start` to `end`. */
export interface CompressedPayload {
  source: Uint8Array;
  start: number;
  end: number;
  /** Whether `source` is good only until the call returns. */
  lent: boolean;
}

/** Inflates messages; the platform brings it, and connections share it as a `Deflater`. */
export interface Inflater {
  /**
   * Inflates one message.
   *
   * @returns what is under way, if the sink hears of the end of it after the call has returned
   */
  inflate(payload: CompressedPayload, sink: InflateSink): "done" | LaterWork;
}

/** What permessage-deflate needs at both ends of a connection. */
export interface MessageCodec {
  readonly deflater: Deflater;
  readonly inflater: Inflater;
  /** Lets go of what is held for this connection, with nothing under way. */
  close(): void;
}
