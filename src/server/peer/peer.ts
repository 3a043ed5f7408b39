import type { Account } from "../../base/index.ts";
import type { FrameFormat } from "./frame-format.ts";

export interface SendOptions {
  /**
   * Whether the message may be compressed, if the peer agreed to it and the message is long enough.
   * Default true. Pass false for data that is already compressed, and for a secret next to text
   * that somebody else chose, because the compressed length would reveal part of the secret.
   */
  compress?: boolean;
}

/**
 * One client of a server, from `onOpen` to `onClose`.
 *
 * `Data` is the value that the endpoint's `authorize` returned.
 */
export interface Peer<Data = unknown> {
  /** The value that `authorize` returned. The application may read and replace it. */
  data: Data;
  /** The agreed subprotocol, or `""`. */
  readonly protocol: string;
  /**
   * Encodes frames for `sendFrames`, for this peer and for all peers that have the same object
   * here.
   */
  readonly frameFormat: FrameFormat;
  /** Whether messages can be sent: false once the closing handshake has begun. */
  readonly isOpen: boolean;
  /** The memory that this peer holds in the server, charged to an address or an identity. */
  readonly account: Account;
  /** Bytes that were sent but not handed to the operating system yet, including frame headers. */
  readonly bufferedAmount: number;
  /**
   * The address of the other end of the connection: the client, or a proxy. After the connection
   * has ended it is `undefined`, unless it was read before.
   */
  readonly remoteAddress: string | undefined;

  /**
   * Sends a message: a string as text, bytes as binary.
   *
   * @param message bytes are copied before the call returns
   * @returns false if the message was not accepted: the connection is closing or closed, or the
   *   peer had more than `maxBufferedBytes` unsent and was cut off
   * @throws TypeError unless the message is a string, an ArrayBuffer or a view of one; copy shared
   *   memory first
   */
  send(message: string | ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean;

  /**
   * Sends frames from `encodeText` or from this peer's `frameFormat`, in order and without copying
   * them. Use it to send one message to many peers. The memory must not be changed, transferred or
   * resized until `drained` resolves. If it is transferred or resized earlier, this peer's
   * connection ends with an error, usually `memory_gone`; other changes are not noticed. Over HTTP/2
   * the frames are copied.
   *
   * @returns false as for `send`
   */
  sendFrames(frames: Uint8Array): boolean;

  /** Returns `text` as an uncompressed frame that `sendFrames` of any peer accepts. */
  encodeText(text: string): Uint8Array;

  /**
   * Sends a ping; the endpoint's `onPong` receives the answer. The server's keepalive works without
   * it.
   *
   * @param payload at most 125 bytes; default empty
   */
  ping(payload?: Uint8Array): boolean;

  /**
   * Starts the closing handshake. `onClose` is called when it ends, after `closeTimeoutMs` at the
   * latest. Messages that arrive in the meantime are dropped.
   *
   * @param code default 1000
   * @param reason at most 123 bytes of UTF-8; default empty
   * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
   */
  close(code?: number, reason?: string): void;

  /** Cuts the connection without a closing handshake. */
  terminate(): void;

  /**
   * Stops reading from the peer and delivering its messages until `resume` is called. If the
   * connection ends meanwhile, this is also reported after `resume`.
   */
  pause(): void;

  resume(): void;

  /** Resolves with true once nothing is buffered, or with false once the connection has ended. */
  drained(): Promise<boolean>;

  /** Calls the endpoint's `onDrain` once nothing is buffered. */
  watchDrain(): void;

  /**
   * Sets the maximum size of this peer's messages from now on, in bytes. A longer message is
   * rejected when its frame header arrives.
   */
  limitMessages(maxMessageBytes: number): void;
}
