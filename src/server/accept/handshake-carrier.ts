import type { Transport } from "../../node/index.ts";
import type { HeaderFields, Opening, Refusal } from "../../protocol/index.ts";
import type { ReceivedUpgrade } from "./received-upgrade.ts";

/** The negotiated parts of an accepted handshake. */
export interface Acceptance {
  /** The chosen subprotocol, or `""`. */
  protocol: string;
  /** The value of `Sec-WebSocket-Extensions`, if an extension was agreed. */
  extensions: string | undefined;
}

export type CarriedOpening =
  | { kind: "opening"; opening: Opening; request: ReceivedUpgrade }
  | { kind: "refusal"; refusal: Refusal };

/** An opening handshake over one version of HTTP, and the ways to answer it. */
export interface HandshakeCarrier {
  /** The path as received, without the query. */
  readonly path: string;
  readonly headers: HeaderFields;
  /** The host that the client asked for, from `Host` or `:authority`. */
  readonly host: string | undefined;
  /** Bytes that followed the request. */
  readonly head: Uint8Array;
  /** Whether a response is no longer possible: the client has gone, or has been answered. */
  readonly isOver: boolean;
  check(): CarriedOpening;
  /** Accepts the handshake, and returns the transport of the connection. */
  accept(acceptance: Acceptance): Transport;
  /** Answers with an error, and closes. */
  refuse(refusal: Refusal): void;
  /** Closes without a response. */
  destroy(): void;
}
