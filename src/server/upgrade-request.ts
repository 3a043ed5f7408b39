import type { IncomingMessage } from "node:http";
import type { HeaderFields, Opening } from "../protocol/index.ts";

/**
 * A client's opening handshake, as `authorize` and `onOpen` see it.
 *
 * The server keeps nothing of it once the connection is open.
 */
export class UpgradeRequest {
  /** The Node request it came as. */
  readonly incoming: IncomingMessage;
  /** The path without the query, as it came: not decoded. */
  readonly path: string;
  /** What follows the first `?`, without it. */
  readonly search: string;
  /** The `Origin` header; browsers always send it, others seldom. */
  readonly origin: string | undefined;
  /** The subprotocols offered, in the client's order of preference. */
  readonly protocols: readonly string[];

  constructor(incoming: IncomingMessage, opening: Opening) {
    const { path, search } = splitTarget(incoming.url ?? "/");
    this.incoming = incoming;
    this.path = path;
    this.search = search;
    this.origin = opening.origin;
    this.protocols = opening.protocols;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  /** The value of a header, several lines joined by a comma; `undefined` without it. */
  header(name: string): string | undefined {
    const value = this.incoming.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  get remoteAddress(): string | undefined {
    return this.incoming.socket.remoteAddress;
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
