import type { LongwireError } from "../base/index.ts";
import type { Closure } from "../node/index.ts";
import type { LimitError } from "../protocol/index.ts";
import type { HttpExchange } from "./http/http-exchange.ts";
import type { OriginPolicy } from "./accept/origin-policy.ts";
import type { Peer } from "./peer/peer.ts";
import type { HandshakeRefusal } from "./accept/handshake-refusal.ts";
import type { UpgradeRequest } from "./accept/upgrade-request.ts";

/** A message as it is delivered: text, or bytes that the receiver may keep. */
export type Message = string | Uint8Array;

/**
 * What a server does with the connections of one path.
 *
 * One object serves all its peers, so that a connection needs no closures of its own. `Data` is what
 * the application knows of a peer: `authorize` returns it and `peer.data` holds it; TypeScript infers
 * it if `authorize` comes before the other methods. What the other methods return is ignored, except
 * for the promise of `onMessage`; a promise that rejects is handled as a throw.
 */
export interface Endpoint<Data = unknown> {
  /** An exact path, or with `/*` at its end also every path below. Default: every path. */
  path?: string;
  /** Default `"same"`. */
  origins?: OriginPolicy;
  /**
   * The subprotocols spoken here; the first offered one among them is chosen. A function chooses
   * itself. Default none: then browsers that offer some fail the connection themselves.
   */
  protocols?: readonly string[] | ((request: UpgradeRequest) => string | undefined);
  /**
   * Decides whether a handshake becomes a connection. Return a `HandshakeRefusal` to refuse, and
   * anything else to accept; it becomes `peer.data`. A throw or a rejection is answered with 500.
   */
  authorize?(request: UpgradeRequest): Data | HandshakeRefusal | Promise<Data | HandshakeRefusal>;
  /**
   * The longest message of a peer here, in bytes; refused on its header. Default: the server's
   * `maxMessageBytes`. `peer.limitMessages` sets another one for a single peer.
   */
  maxMessageBytes?: number;
  onOpen?(peer: Peer<Data>, request: UpgradeRequest): unknown;
  /**
   * A message came. If a promise is returned, the next message of this peer waits for it, and
   * meanwhile nothing is read from the peer: a slow application slows its peers.
   */
  onMessage?(peer: Peer<Data>, message: Message): unknown;
  onPing?(peer: Peer<Data>, payload: Uint8Array): unknown;
  onPong?(peer: Peer<Data>, payload: Uint8Array): unknown;
  /** What had been buffered for the peer is gone. */
  onDrain?(peer: Peer<Data>): unknown;
  /**
   * The peer is about to be closed because it exceeds a limit: `message_too_big`, `over_share`,
   * `message_timeout`, `too_many_fragments`. What is sent now still goes out, and `peer.close` sets
   * another code than the error's.
   */
  onLimit?(peer: Peer<Data>, error: LimitError): unknown;
  /** The connection is over; the last call for this peer. */
  onClose?(peer: Peer<Data>, closure: Closure): unknown;
  /**
   * One of these methods threw or rejected; the peer is closed with 1011. Default: one line on
   * standard error.
   */
  onError?(error: LongwireError, peer: Peer<Data> | undefined): unknown;
  /** A plain HTTP request on this path. Default: 426, "speaks WebSocket". */
  onRequest?(exchange: HttpExchange): unknown;
  /** The server begins to drain, before it closes its peers. */
  onDraining?(): unknown;
}
