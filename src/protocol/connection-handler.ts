import type { ProtocolError } from "./protocol-error.ts";

/** What a connection tells its owner. It is called from `receive` and from the sending methods. */
export interface ConnectionHandler {
  /**
   * A text message: `source` from `start` to `end`, valid UTF-8 unless `checksText` is off.
   *
   * @param ascii whether it is all ASCII, so that it can be decoded as Latin-1
   * @param lent as for a binary message
   */
  onText(source: Uint8Array, start: number, end: number, ascii: boolean, lent: boolean): void;
  /**
   * A binary message: `source` from `start` to `end`.
   *
   * @param lent true when the bytes are good only until the call returns, false when they may be
   *   kept
   */
  onBinary(source: Uint8Array, start: number, end: number, lent: boolean): void;
  /** A fragment of a message has come whole, up to `bytes` of it, and is not its last. */
  onFragmentEnd?(bytes: number): void;
  /** A ping came; the pong is on its way, unless `answersPings` is off. The payload may be kept. */
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** The peer's Close frame came; 1005 and no reason when it was empty. Its bytes may be kept. */
  onPeerClose(code: number, reason: string, reasonBytes: Uint8Array): void;
  /**
   * The peer is about to be failed with `error`. What is sent now still goes out, a Close frame with
   * another code among it.
   */
  onFailing?(error: ProtocolError): void;
  /** The peer broke the protocol or a limit; a Close frame with the error's code is on its way. */
  onFailed(error: ProtocolError): void;
  /** There are bytes in `outgoing`, which was empty. */
  onOutput(): void;
  /** A message that was being inflated is there: `resume` delivers it, and what waits behind it. */
  onReady(): void;
  /**
   * Nothing more will be sent or read: the closing handshake is complete, or the connection has
   * failed. The server closes the transport, the client waits a while for it. (RFC 6455 §7.1.1)
   */
  onFinished(): void;
}
