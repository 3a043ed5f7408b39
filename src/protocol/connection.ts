import type { ConnectionHandler } from "./connection-handler.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { ConnectionLimits } from "./limits.ts";
import type { Outgoing } from "./messages/outgoing.ts";
import type { ProtocolError } from "./protocol-error.ts";
import { ProtocolConnection, type ConnectionState } from "./protocol-connection.ts";
import type { Role } from "./role.ts";

/**
 * One end of a WebSocket connection after its handshake, without I/O.
 *
 * `receive` takes the bytes that the transport read, and calls the handler with messages. The
 * sending methods leave the bytes to write in `outgoing`. (RFC 6455 §5–§7)
 */
export interface Connection {
  /** The bytes to write to the transport, in order. */
  readonly outgoing: Outgoing;
  readonly state: ConnectionState;
  /** Whether messages may be sent. */
  readonly isOpen: boolean;
  /** Whether received data has not been delivered yet. */
  readonly isHolding: boolean;
  /**
   * Whether nothing is delivered at the moment, because of `pause` or while a message is being
   * inflated.
   */
  readonly isPaused: boolean;
  /**
   * Payload bytes that were sent but are not in `outgoing` yet, because they are being compressed.
   */
  readonly pendingBytes: number;
  /**
   * The buffer that the transport may read the next bytes into before it passes them to `receive`.
   * This avoids copying the rest of a long message. `undefined`: any buffer will do.
   */
  readonly room: Uint8Array | undefined;
  /** Sets the limits from the next frame header on. */
  set limits(limits: ConnectionLimits);

  /**
   * Processes bytes that the transport read.
   *
   * @param chunk ownership is transferred: payloads are unmasked in place
   * @param length how many bytes of the chunk were read; default all
   * @param lent whether the chunk is valid only until the call returns, so that data that has to
   *   wait is copied; default false
   * @throws never for the peer's data; a violation calls `handler.onFailed(error)`
   */
  receive(chunk: Uint8Array, length?: number, lent?: boolean): void;

  /** Whether a message is unfinished and grew by less than `leastBytes` since the last call. */
  hasStalled(leastBytes: number): boolean;

  /** Stops delivering until `resume` is called; takes effect after the current message. */
  pause(): void;
  resume(): void;

  /**
   * Sends a text message and returns its length in bytes. Lone surrogates become U+FFFD.
   *
   * @param compress whether it may be compressed, if that was agreed; default true
   * @throws LongwireError `not_open`
   */
  sendText(text: string, compress?: boolean): number;

  /**
   * Sends a binary message.
   *
   * @param given whether ownership of `payload` is transferred, so that it can be sent without
   *   copying; default false: it is copied before the call returns
   */
  sendBinary(payload: Uint8Array, compress?: boolean, given?: boolean): void;

  /**
   * Sends a text message that is already encoded.
   *
   * @param payload UTF-8; the peer fails the connection if it is invalid
   * @param given as for `sendBinary`
   */
  sendUtf8(payload: Uint8Array, compress?: boolean, given?: boolean): void;

  /**
   * Sends one fragment of a message. Control frames may be sent between fragments. (RFC 6455 §5.4)
   *
   * @param kind of the message; the same for all its fragments
   */
  sendFragment(kind: "text" | "binary", payload: Uint8Array, isLast: boolean): void;

  /** Sends bytes that are already frames of this role, without copying. */
  sendFrames(frames: Uint8Array): void;

  /** @param payload at most 125 bytes */
  sendPing(payload: Uint8Array): void;

  /** Sends an unsolicited pong. (RFC 6455 §5.5.3) */
  sendPong(payload: Uint8Array): void;

  /**
   * Whether pongs wait. Meanwhile, only the latest ping is remembered, and it is answered when this
   * is set to false. Set it while output is unsent, so that pings of a peer that does not read cost
   * nothing. It becomes true by itself when more than 64 KiB of output have not been taken. (RFC
   * 6455 §5.5.3)
   */
  holdsPongs: boolean;

  /**
   * Starts the closing handshake; does nothing if it has already started. (RFC 6455 §7.1.2)
   *
   * @param code without a code, the Close frame is empty and the peer sees 1005
   * @param reason at most 123 bytes of UTF-8
   * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
   */
  close(code?: number, reason?: string): void;

  /**
   * Fails the connection: sends a Close frame with the error's code, and nothing after it. (RFC
   * 6455 §7.1.7)
   */
  fail(error: ProtocolError): void;

  /** Must be called when the transport has ended; releases the memory of an unfinished message. */
  transportEnded(): void;
}

/** Creates one end of a connection whose handshake is complete. */
export const Connection: new (
  role: Role,
  handler: ConnectionHandler,
  options?: ConnectionOptions,
) => Connection = ProtocolConnection;
