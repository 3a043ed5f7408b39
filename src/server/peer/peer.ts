import type { Account } from "../../base/index.ts";
import type { FrameFormat } from "./frame-format.ts";

export interface SendOptions {
  /**
   * Whether the message may be compressed, if the peer agreed to it and the message is long enough.
   * Default true. Pass false for data that is compressed already, and for a secret next to text of
   * somebody else's choice: the compressed length would reveal part of it.
   */
  compress?: boolean;
}

/**
 * One client of a server, from `onOpen` to `onClose`.
 *
 * `Data` is what `authorize` of the endpoint returned.
 */
export interface Peer<Data = unknown> {
  /** What `authorize` returned; yours to read and to replace. */
  data: Data;
  /** The agreed subprotocol, or `""`. */
  readonly protocol: string;
  /** Makes frames for `sendFrames` of this peer, and of all peers that have the same object here. */
  readonly frameFormat: FrameFormat;
  /** Whether messages can be sent: false once the closing handshake has begun. */
  readonly isOpen: boolean;
  /** What this peer holds of the server's memory, charged to an address or an identity. */
  readonly account: Account;
  /** Bytes that were sent and not yet given to the operating system, frame headers included. */
  readonly bufferedAmount: number;
  /**
   * The address of the other end of the connection: the client, or a proxy. Once the connection is
   * over it is `undefined`, unless it was read before.
   */
  readonly remoteAddress: string | undefined;

  /**
   * Sends a message: a string as text, bytes as binary.
   *
   * @param message bytes are copied before the call returns
   * @returns false if the message was not accepted: the connection is closing or closed, or the peer
   *   had more than `maxBufferedBytes` unsent and was cut off
   * @throws TypeError for anything but a string, an ArrayBuffer, or a view of one; copy shared
   *   memory first
   */
  send(message: string | ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean;

  /**
   * Sends what `encodeText` or this peer's `frameFormat` made, by reference and in order; for one
   * message to many peers. The memory must be neither changed nor transferred until `drained`.
   */
  sendFrames(frames: Uint8Array): boolean;

  /** Returns `text` as an uncompressed frame, which `sendFrames` of any peer accepts. */
  encodeText(text: string): Uint8Array;

  /**
   * Sends a ping; `onPong` of the endpoint follows. The server's keepalive needs no call.
   *
   * @param payload at most 125 bytes; default empty
   */
  ping(payload?: Uint8Array): boolean;

  /**
   * Starts the closing handshake; `onClose` follows, after `closeTimeoutMs` at the latest. Messages
   * that arrive in the meantime are dropped.
   *
   * @param code default 1000
   * @param reason at most 123 bytes of UTF-8; default empty
   * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
   */
  close(code?: number, reason?: string): void;

  /** Cuts the connection without a closing handshake. */
  terminate(): void;

  /**
   * Stops reading from the peer and delivering its messages until `resume`. The end of the
   * connection is reported after `resume`, too.
   */
  pause(): void;

  resume(): void;

  /** Resolves with true once nothing is buffered, or with false once the connection is over. */
  drained(): Promise<boolean>;

  /** Has `onDrain` of the endpoint called once nothing is buffered. */
  watchDrain(): void;

  /** Sets the longest message of this peer from now on, in bytes; refused on the frame header. */
  limitMessages(maxMessageBytes: number): void;
}
