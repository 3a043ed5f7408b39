import type { IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";

/**
 * A client's opening handshake, passed to `authorize` and `onOpen`.
 *
 * The server does not keep it once the connection is open.
 */
export interface UpgradeRequest {
  /** The path as received, without the query and not decoded. */
  readonly path: string;
  /** The query: everything after the first `?`. */
  readonly search: string;
  readonly query: URLSearchParams;
  /** The `Origin` header. Browsers always send it, other clients rarely. */
  readonly origin: string | undefined;
  /** The subprotocols offered, in the client's order of preference. */
  readonly protocols: readonly string[];
  /**
   * The client's address: the address of the connection, or the one that a proxy in
   * `trustedProxies` reports.
   */
  readonly clientAddress: string | undefined;
  /** The address of the other end of the connection: the client, or a proxy. */
  readonly remoteAddress: string | undefined;
  /**
   * Node's object: an `IncomingMessage` over HTTP/1.1, a stream over HTTP/2. Only read from it; the
   * server sends the response according to what `authorize` returns. If the connection was accepted
   * below Node's HTTP server, the socket is a substitute that has only the addresses.
   */
  readonly incoming: IncomingMessage | ServerHttp2Stream;

  /**
   * Returns the value of a header, or `undefined` without one. Several values are joined by a
   * comma, those of `Cookie` by a semicolon.
   */
  header(name: string): string | undefined;
}
