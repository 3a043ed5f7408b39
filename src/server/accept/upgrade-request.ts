import type { IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { fieldValues, type HeaderFields, type Opening } from "../../protocol/index.ts";

/** What a request is made of, whatever HTTP brought it. */
export interface UpgradeRequestParts {
  target: string;
  headers: HeaderFields;
  /** Asked for when it is needed. */
  remoteAddress: () => string | undefined;
  /** Made when it is asked for. */
  incoming: () => IncomingMessage | ServerHttp2Stream;
  opening: Opening;
}

/**
 * A client's opening handshake, as `authorize` and `onOpen` see it.
 *
 * The server keeps nothing of it once the connection is open.
 */
export class UpgradeRequest {
  #made: IncomingMessage | ServerHttp2Stream | undefined;
  readonly #incoming: () => IncomingMessage | ServerHttp2Stream;
  /** The path without the query, as it came: not decoded. */
  readonly path: string;
  /** What follows the first `?`, without it. */
  readonly search: string;
  /** The `Origin` header; browsers always send it, others seldom. */
  readonly origin: string | undefined;
  /** The subprotocols offered, in the client's order of preference. */
  readonly protocols: readonly string[];
  readonly #remoteAddress: () => string | undefined;
  readonly #headers: HeaderFields;
  /** The client's address: of the connection, or what a proxy of `trustedProxies` says. */
  clientAddress: string | undefined;

  constructor({ target, headers, remoteAddress, incoming, opening }: UpgradeRequestParts) {
    const { path, search } = splitTarget(target);
    this.#incoming = incoming;
    this.path = path;
    this.search = search;
    this.origin = opening.origin;
    this.protocols = opening.protocols;
    this.#remoteAddress = remoteAddress;
    this.#headers = headers;
  }

  /**
   * What Node makes of it: a request over HTTP/1.1, a stream over HTTP/2. For reading: it is
   * answered by what `authorize` returns, and of a plain connection its socket is a stand-in that
   * knows the addresses only.
   */
  get incoming(): IncomingMessage | ServerHttp2Stream {
    return (this.#made ??= this.#incoming());
  }

  /** Who is at the other end of the connection: the client, or a proxy. */
  get remoteAddress(): string | undefined {
    return this.#remoteAddress();
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  /**
   * The value of a header, several lines joined by a comma (of `Cookie` by a semicolon);
   * `undefined` without it.
   */
  header(name: string): string | undefined {
    const lowerCase = name.toLowerCase();
    const values = fieldValues(this.#headers, lowerCase);
    // HTTP/2 sends cookies in pieces. (RFC 9113 §8.2.3)
    return values.length === 0 ? undefined : values.join(lowerCase === "cookie" ? "; " : ", ");
  }
}

/** Splits a request target; an absolute one loses its scheme and host. (RFC 9112 §3.2) */
export function splitTarget(target: string): { path: string; search: string } {
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target)?.[0] ?? "";
  const rest = target.slice(origin.length);
  const mark = rest.indexOf("?");
  const path = mark === -1 ? rest : rest.slice(0, mark);
  return { path: path === "" ? "/" : path, search: mark === -1 ? "" : rest.slice(mark + 1) };
}

/** The header lines of a Node request, as they came. */
export function headerFields(incoming: IncomingMessage): HeaderFields {
  const fields: [string, string][] = [];
  const { rawHeaders } = incoming;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    fields.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  }
  return fields;
}
