import type { Awaitable } from "../../../base/index.ts";

/** Who a client is, as `authenticate` says. Whatever else it holds reaches `authorize`. */
export interface Identity {
  /** The same for all connections of one user or device; presence and rates go by it. */
  readonly id: string;
  /** When it ends, in ms since the Unix epoch; the client can `refresh` it until then. */
  readonly expiresAt?: number | undefined;
}

/** What a client shows of itself. */
export interface Credentials {
  /**
   * Of `hello` or `refresh`, else of the header `Authorization: Bearer`, else what the URL's query
   * has under `tokenQuery`.
   */
  readonly token: string | undefined;
  /** A header of the handshake or request; `undefined` for all of them when a token came alone. */
  readonly header: (name: string) => string | undefined;
  readonly cookie: (name: string) => string | undefined;
  readonly query: URLSearchParams;
  /** The client's: of the connection, or what a proxy of `trustedProxies` says. */
  readonly remoteAddress: string | undefined;
}

/**
 * Says who shows these credentials; `undefined` if they are none, and a Level 1 client may still
 * send a token then.
 *
 * @throws LiveError `unauthorized`, whose message the client is told; anything else is reported
 */
export type Authenticate<Who extends Identity = Identity> = (
  credentials: Credentials,
) => Awaitable<Who | undefined>;

/** What a handshake and a plain request have in common. */
interface Handshake {
  readonly search: string;
  readonly remoteAddress?: string | undefined;
  readonly clientAddress?: string | undefined;
  header(name: string): string | undefined;
}

/** @param tokenQuery the name in the query that holds a token, if any does */
export function shownCredentials(request: Handshake, tokenQuery: string | undefined): Credentials {
  const query = new URLSearchParams(request.search);
  const inQuery = tokenQuery === undefined ? undefined : query.get(tokenQuery);
  const bearer = /^Bearer +(\S+) *$/i.exec(request.header("authorization") ?? "")?.[1];
  return {
    token: bearer ?? inQuery ?? undefined,
    header: (name) => request.header(name),
    cookie: (name) => cookieOf(request.header("cookie") ?? "", name),
    query,
    remoteAddress: request.clientAddress ?? request.remoteAddress,
  };
}

/** A token by itself, on a connection whose handshake is long over. */
export function tokenAlone(token: string): Credentials {
  return {
    token,
    header: () => undefined,
    cookie: () => undefined,
    query: new URLSearchParams(),
    remoteAddress: undefined,
  };
}

/** The first cookie of this name, decoded where it is encoded. (RFC 6265 §5.4) */
function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  }
  return undefined;
}

/** A query without what is not for `match` but for `authenticate`. */
export function withoutToken(
  query: URLSearchParams,
  tokenQuery: string | undefined,
): URLSearchParams {
  if (tokenQuery !== undefined) query.delete(tokenQuery);
  return query;
}
