import type { LongwireError } from "../base/index.ts";
import type { Closure } from "../node/index.ts";
import type { LimitError } from "../protocol/index.ts";
import type { HttpExchange } from "./http/http-exchange.ts";
import type { OriginPolicy } from "./accept/origin-policy.ts";
import type { Peer } from "./peer/peer.ts";
import type { HandshakeRefusal } from "./accept/handshake-refusal.ts";
import type { UpgradeRequest } from "./accept/upgrade-request.ts";

/** A message: text, or bytes that the receiver may keep. */
export type Message = string | Uint8Array;

/**
 * The behavior of a server for the connections on one path.
 *
 * One object serves all its peers, so that a connection needs no closures of its own. `Data` is the
 * application's own data about a peer: `authorize` returns it and `peer.data` holds it. TypeScript
 * infers it if `authorize` comes before the other methods. The return values of the other methods
 * are ignored, except for the promise of `onMessage`. A promise that rejects is handled like a
 * throw.
 */
export interface Endpoint<Data = unknown> {
  /** An exact path. With `/*` at its end, all paths below it match, too. Default: every path. */
  path?: string;
  /** Default `"same"`. */
  origins?: OriginPolicy;
  /**
   * The subprotocols that the endpoint supports. The first one in the client's offer that is in the
   * list is chosen. A function makes the choice itself. Default: none; browsers that offered
   * subprotocols then fail the connection.
   */
  protocols?: readonly string[] | ((request: UpgradeRequest) => string | undefined);
  /**
   * Decides whether to accept a handshake. Return a `HandshakeRefusal` to refuse. Any other value
   * accepts the handshake and becomes `peer.data`. If it throws or rejects, the response is 500.
   */
  authorize?(request: UpgradeRequest): Data | HandshakeRefusal | Promise<Data | HandshakeRefusal>;
  /**
   * The maximum message size, in bytes. A longer message is rejected when its frame header arrives.
   * Default: the server's `maxMessageBytes`. `peer.limitMessages` sets the limit for a single peer.
   */
  maxMessageBytes?: number;
  onOpen?(peer: Peer<Data>, request: UpgradeRequest): unknown;
  /**
   * Called for every message. If it returns a promise, this peer's next message waits for it, and
   * meanwhile nothing is read from the peer. So a slow application slows its peers down.
   */
  onMessage?(peer: Peer<Data>, message: Message): unknown;
  onPing?(peer: Peer<Data>, payload: Uint8Array): unknown;
  onPong?(peer: Peer<Data>, payload: Uint8Array): unknown;
  /**
   * Called when all bytes that were buffered for the peer have been handed to the operating system.
   */
  onDrain?(peer: Peer<Data>): unknown;
  /**
   * Called before the peer is closed because it exceeds a limit: `message_too_big`, `over_share`,
   * `message_timeout`, `too_many_fragments`. Messages sent here are still delivered, and
   * `peer.close` overrides the error's close code.
   */
  onLimit?(peer: Peer<Data>, error: LimitError): unknown;
  /** Called when the connection has ended; the last call for this peer. */
  onClose?(peer: Peer<Data>, closure: Closure): unknown;
  /**
   * Called when one of these methods threw or rejected; the peer is closed with 1011. Default:
   * prints one line to standard error.
   */
  onError?(error: LongwireError, peer: Peer<Data> | undefined): unknown;
  /** Called for a plain HTTP request on this path. Default: answers 426 Upgrade Required. */
  onRequest?(exchange: HttpExchange): unknown;
  /** Called when the server starts to drain, before it closes its peers. */
  onDraining?(): unknown;
}
