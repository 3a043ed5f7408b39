import type { ProtocolError } from "./protocol-error.ts";

/** Receives the events of a connection. Called from `receive` and from the sending methods. */
export interface ConnectionHandler {
  /**
   * Called for a text message: `source` from `start` to `end`, valid UTF-8 unless `checksText` is
   * off.
   *
   * @param ascii whether the text is all ASCII, so that it can be decoded as Latin-1
   * @param lent as for a binary message
   */
  onText(source: Uint8Array, start: number, end: number, ascii: boolean, lent: boolean): void;
  /**
   * Called for a binary message: `source` from `start` to `end`.
   *
   * @param lent true if the bytes are valid only until the call returns, false if they may be kept
   */
  onBinary(source: Uint8Array, start: number, end: number, lent: boolean): void;
  /**
   * Called when a fragment that is not the last of its message is complete. `bytes` of the message
   * have arrived.
   */
  onFragmentEnd?(bytes: number): void;
  /**
   * Called for a ping. Unless `answersPings` is off, the pong has been queued, or is held; see
   * `holdsPongs`. The payload may be kept, unless the option `lendsPings` is set.
   */
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /**
   * Called for the peer's Close frame, with 1005 and no reason if it was empty. The bytes may be
   * kept.
   */
  onPeerClose(code: number, reason: string, reasonBytes: Uint8Array): void;
  /**
   * Called before the connection is failed with `error`. Frames sent here still go out, including a
   * Close frame with another code.
   */
  onFailing?(error: ProtocolError): void;
  /**
   * Called after the peer broke the protocol or a limit; a Close frame with the error's code is
   * queued.
   */
  onFailed(error: ProtocolError): void;
  /** Called when bytes are added to an empty `outgoing`. */
  onOutput(): void;
  /** Called when a message has been inflated; `resume` delivers it and the messages behind it. */
  onReady(): void;
  /**
   * Called when nothing more will be sent or read: the closing handshake is complete, or the
   * connection has failed. The server closes the transport, the client waits for that for a while.
   * (RFC 6455 §7.1.1)
   */
  onFinished(): void;
}
