import type { Transport } from "../../node/index.ts";
import type { HeaderFields, Opening, Refusal } from "../../protocol/index.ts";
import type { ReceivedUpgrade } from "./received-upgrade.ts";

/** What an accepted handshake says beyond yes. */
export interface Acceptance {
  /** The chosen subprotocol, or `""`. */
  protocol: string;
  /** `Sec-WebSocket-Extensions`' value, when an extension was agreed. */
  extensions: string | undefined;
}

export type CarriedOpening =
  | { kind: "opening"; opening: Opening; request: ReceivedUpgrade }
  | { kind: "refusal"; refusal: Refusal };

/** A handshake as HTTP brought it, and how that HTTP answers it. */
export interface HandshakeCarrier {
  /** The path without the query, as it came. */
  readonly path: string;
  readonly headers: HeaderFields;
  /** Who the request was for, as `Host` or `:authority` says. */
  readonly host: string | undefined;
  /** Bytes that came behind the request. */
  readonly head: Uint8Array;
  /** Whether nothing can be answered any more: the client has gone, or has heard something. */
  readonly isOver: boolean;
  check(): CarriedOpening;
  /** Answers yes, and hands over what carries the connection. */
  accept(acceptance: Acceptance): Transport;
  /** Answers with something else, and closes. */
  refuse(refusal: Refusal): void;
  /** Ends it without an answer. */
  destroy(): void;
}
