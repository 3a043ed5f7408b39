/** Work that continues after the call that started it. */
export interface LaterWork {
  /** Cancels the work, so that no callback is called. Does nothing if the work is finished. */
  abandon(): void;
}

/**
 * Compresses messages; implemented by the platform. Connections that do not keep a window between
 * messages may share one, because the caller holds the work in progress.
 *
 * The format of a message is that of RFC 7692 §7.2.1, without the final four octets 00 00 ff ff.
 */
export interface Deflater {
  /** The minimum size of a message to compress, in bytes. */
  readonly thresholdBytes: number;
  /** The size from which the result may be asynchronous, in bytes. */
  readonly laterFromBytes: number;
  /**
   * Compresses one message that is not empty.
   *
   * @param payload must not change until the result is available
   * @param whenDone called with an asynchronous result; the same connection's next message may be
   *   passed only afterwards
   * @returns the result if it is available immediately, valid until the next call; `"plain"` if the
   *   message should be sent uncompressed, because compression does not make it shorter; otherwise
   *   the work in progress
   */
  deflate(
    payload: Uint8Array,
    whenDone: (result: Uint8Array | "plain") => void,
  ): Uint8Array | "plain" | LaterWork;
}

/** Receives inflated payload. */
export interface InflateSink {
  /**
   * Receives a piece of payload: `source` from `start` to `end`, lent until the call returns.
   *
   * @param ends whether this piece completes the message
   * @returns whether to continue inflating
   */
  onInflated(source: Uint8Array, start: number, end: number, ends: boolean): boolean;
  /** Called if the payload is not valid DEFLATE data. */
  onInflateFailed(): void;
}

/** A compressed message: `source` from `start` to `end`. */
export interface CompressedPayload {
  source: Uint8Array;
  start: number;
  end: number;
  /** Whether `source` is valid only until the call returns. */
  lent: boolean;
}

/** Inflates messages; implemented by the platform, and shared like a `Deflater`. */
export interface Inflater {
  /**
   * Inflates one message.
   *
   * @returns the work in progress, if the sink receives the end of the message after the call has
   *   returned
   */
  inflate(payload: CompressedPayload, sink: InflateSink): "done" | LaterWork;
}

/** The compressor and decompressor of one connection. */
export interface MessageCodec {
  readonly deflater: Deflater;
  readonly inflater: Inflater;
  /** Releases the resources of this connection, when no work is in progress. */
  close(): void;
}
