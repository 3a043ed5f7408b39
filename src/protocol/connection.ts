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
 * It is fed what the transport read, through `receive`, and told what to send; it calls its
 * handler with messages and leaves the bytes to write in `outgoing`. (RFC 6455 §5–§7)
 */
export interface Connection {
  /** The bytes to write to the transport, in order. */
  readonly outgoing: Outgoing;
  readonly state: ConnectionState;
  /** Whether messages may be sent. */
  readonly isOpen: boolean;
  /** Whether something that was received has not been delivered. */
  readonly isHolding: boolean;
  /** Whether nothing is delivered now: it was paused, or a message is being inflated. */
  readonly isPaused: boolean;
  /** Payload bytes that were sent and are not in `outgoing` yet: they are being compressed. */
  readonly pendingBytes: number;
  /**
   * Where the transport may read the next bytes to, before it passes them to `receive`: the rest of a
   * long message need not be copied then. `undefined`: anywhere.
   */
  readonly room: Uint8Array | undefined;
  /** Limits for later messages, from the next frame header on. */
  set limits(limits: ConnectionLimits);

  /**
   * Takes what the transport read.
   *
   * @param chunk is given away: payloads are unmasked in place
   * @param length how many bytes of it were read; default all
   * @param lent whether it is given away only until the call returns, so that what has to wait is
   *   copied; default false
   * @throws never for what a peer sent: that ends in `handler.onFailed(error)`
   */
  receive(chunk: Uint8Array, length?: number, lent?: boolean): void;

  /** Whether an unfinished message grew by fewer than `leastBytes` since the last call. */
  hasStalled(leastBytes: number): boolean;

  /** Delivers nothing more until `resume`; takes effect after the message being delivered. */
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
   * @param given whether `payload` is given away, to be sent by reference if that is faster; default
   *   false: it is copied before the call returns
   */
  sendBinary(payload: Uint8Array, compress?: boolean, given?: boolean): void;

  /**
   * Sends a text message that is already encoded.
   *
   * @param payload UTF-8; the peer fails the connection for anything else
   * @param given as for `sendBinary`
   */
  sendUtf8(payload: Uint8Array, compress?: boolean, given?: boolean): void;

  /**
   * Sends one fragment of a message; control frames may go between fragments. (RFC 6455 §5.4)
   *
   * @param kind of the message; the same for all its fragments
   */
  sendFragment(kind: "text" | "binary", payload: Uint8Array, isLast: boolean): void;

  /** Sends bytes that are already frames of this role, by reference. */
  sendFrames(frames: Uint8Array): void;

  /** @param payload at most 125 bytes */
  sendPing(payload: Uint8Array): void;

  /** Sends an unsolicited pong. (RFC 6455 §5.5.3) */
  sendPong(payload: Uint8Array): void;

  /**
   * Begins the closing handshake; does nothing if it has begun. (RFC 6455 §7.1.2)
   *
   * @param code without it the Close frame is empty and the peer sees 1005
   * @param reason at most 123 bytes of UTF-8
   * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
   */
  close(code?: number, reason?: string): void;

  /** Fails the connection: sends Close with the error's code, then nothing. (RFC 6455 §7.1.7) */
  fail(error: ProtocolError): void;

  /** Reports that the transport ended; frees what an unfinished message held. */
  transportEnded(): void;
}

/** Makes one end of a connection whose handshake is done. */
export const Connection: new (
  role: Role,
  handler: ConnectionHandler,
  options?: ConnectionOptions,
) => Connection = ProtocolConnection;
