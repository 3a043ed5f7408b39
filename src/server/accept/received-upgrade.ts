import type { IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { UpgradeRequest } from "./upgrade-request.ts";
import { fieldValues, type HeaderFields, type Opening } from "../../protocol/index.ts";

/** The parts of a request, independent of the HTTP version. */
export interface UpgradeRequestParts {
  target: string;
  headers: HeaderFields;
  /** Called on demand. */
  remoteAddress: () => string | undefined;
  /** Called on demand. */
  incoming: () => IncomingMessage | ServerHttp2Stream;
  opening: Opening;
}

/** An opening handshake, independent of the HTTP version. */
export class ReceivedUpgrade implements UpgradeRequest {
  #made: IncomingMessage | ServerHttp2Stream | undefined;
  readonly #incoming: () => IncomingMessage | ServerHttp2Stream;
  readonly path: string;
  readonly search: string;
  readonly origin: string | undefined;
  readonly protocols: readonly string[];
  readonly #remoteAddress: () => string | undefined;
  readonly #headers: HeaderFields;
  /** Set once the server has evaluated the headers of its proxies. */
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

  get incoming(): IncomingMessage | ServerHttp2Stream {
    return (this.#made ??= this.#incoming());
  }

  get remoteAddress(): string | undefined {
    return this.#remoteAddress();
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  header(name: string): string | undefined {
    const lowerCase = name.toLowerCase();
    const values = fieldValues(this.#headers, lowerCase);
    // HTTP/2 may split cookies over several headers. (RFC 9113 §8.2.3)
    return values.length === 0 ? undefined : values.join(lowerCase === "cookie" ? "; " : ", ");
  }
}

/**
 * Splits a request target into path and query. Drops the scheme and host of an absolute one. (RFC
 * 9112 §3.2)
 */
export function splitTarget(target: string): { path: string; search: string } {
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target)?.[0] ?? "";
  const rest = target.slice(origin.length);
  const mark = rest.indexOf("?");
  const path = mark === -1 ? rest : rest.slice(0, mark);
  return { path: path === "" ? "/" : path, search: mark === -1 ? "" : rest.slice(mark + 1) };
}

/** Returns the headers of a Node request in the order received. */
export function headerFields(incoming: IncomingMessage): HeaderFields {
  const fields: [string, string][] = [];
  const { rawHeaders } = incoming;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    fields.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  }
  return fields;
}
