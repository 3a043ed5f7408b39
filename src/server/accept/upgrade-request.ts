import type { IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";

/**
 * A client's opening handshake, as `authorize` and `onOpen` see it.
 *
 * The server keeps nothing of it once the connection is open.
 */
export interface UpgradeRequest {
  /** The path without the query, as it came: not decoded. */
  readonly path: string;
  /** What follows the first `?`, without it. */
  readonly search: string;
  readonly query: URLSearchParams;
  /** The `Origin` header; browsers always send it, other clients seldom. */
  readonly origin: string | undefined;
  /** The subprotocols offered, in the client's order of preference. */
  readonly protocols: readonly string[];
  /** The client's address: of the connection, or what a proxy of `trustedProxies` reports. */
  readonly clientAddress: string | undefined;
  /** The address of the other end of the connection: the client, or a proxy. */
  readonly remoteAddress: string | undefined;
  /**
   * Node's object: an `IncomingMessage` over HTTP/1.1, a stream over HTTP/2. It is for reading: what
   * `authorize` returns is the answer. Its socket is a stand-in that knows only the addresses when
   * the connection was accepted below Node's HTTP server.
   */
  readonly incoming: IncomingMessage | ServerHttp2Stream;

  /**
   * The value of a header, several lines joined by a comma (`Cookie` by a semicolon); `undefined`
   * if there is none.
   */
  header(name: string): string | undefined;
}
