import type { Awaitable } from "../../../base/index.ts";

/**
 * The authenticated client, as returned by `authenticate`. `authorize` receives it with all its
 * members.
 */
export interface Identity {
  /**
   * Identical for all connections of one user or device; presence and rate limits are keyed by it.
   */
  readonly id: string;
  /**
   * When the identity expires, in ms since the Unix epoch; the client can `refresh` it until then.
   */
  readonly expiresAt?: number | undefined;
  /** The name of the token, so that it alone can be revoked; for a JSON Web Token its `jti`. */
  readonly tokenId?: string | undefined;
}

/** The credentials that a client sent. */
export interface Credentials {
  /**
   * The token of `hello` or `refresh`; otherwise of the `Authorization: Bearer` header; otherwise
   * of the query parameter named by `tokenQuery`.
   */
  readonly token: string | undefined;
  /** Reads a header of the handshake or request; always `undefined` for a token sent later. */
  readonly header: (name: string) => string | undefined;
  readonly cookie: (name: string) => string | undefined;
  readonly query: URLSearchParams;
  /** The client's address: the connection's, or the one reported by a proxy in `trustedProxies`. */
  readonly remoteAddress: string | undefined;
}

/**
 * Returns the identity behind these credentials, or `undefined` if they identify nobody. After
 * `undefined`, a Level 1 client may still send a token.
 *
 * @throws LiveError `unauthorized`: the client receives its message. Any other error is reported to
 *   `onError`
 */
export type Authenticate<Who extends Identity = Identity> = (
  credentials: Credentials,
) => Awaitable<Who | undefined>;

/** The common members of a handshake and a plain request. */
interface Handshake {
  readonly search: string;
  readonly remoteAddress?: string | undefined;
  readonly clientAddress?: string | undefined;
  header(name: string): string | undefined;
}

/** @param tokenQuery the query parameter that holds a token, if any */
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

/** Credentials for a token that arrives after the handshake. */
export function tokenAlone(token: string): Credentials {
  return {
    token,
    header: () => undefined,
    cookie: () => undefined,
    query: new URLSearchParams(),
    remoteAddress: undefined,
  };
}

/** Returns the first cookie of this name, percent-decoded if it is encoded. (RFC 6265 §5.4) */
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

/** Removes the token from a query, because it is meant for `authenticate` and not for `match`. */
export function withoutToken(
  query: URLSearchParams,
  tokenQuery: string | undefined,
): URLSearchParams {
  if (tokenQuery !== undefined) query.delete(tokenQuery);
  return query;
}
