import type { IncomingMessage, OutgoingHttpHeaders, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { defaultConnectionOptions, type ConnectionOptions } from "../connection-options.ts";
import type { PerMessageDeflateOptions } from "../deflate/per-message-deflate.ts";
import { WebSocket } from "../web-socket.ts";

/** The argument of `verifyClient`. */
export interface ClientInfo {
  /** The `Origin` header. */
  origin: string | undefined;
  req: IncomingMessage;
  /** Whether the connection uses TLS. */
  secure: boolean;
}

/** Accepts a client, or refuses it with `code` (default 401) and `message` as the body. */
export type Verified = (
  verified: boolean,
  code?: number,
  message?: string,
  headers?: OutgoingHttpHeaders,
) => void;

/** The server options of `ws`. */
export interface ServerOptions extends ConnectionOptions {
  backlog?: number | null | undefined;
  /** Whether `clients` is maintained. Default true. */
  clientTracking?: boolean | undefined;
  /** Chooses a subprotocol; a falsy value means none. Default: the client's first. */
  handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false | undefined)
    | null
    | undefined;
  host?: string | null | undefined;
  /** Whether handshakes are passed only to `handleUpgrade`. */
  noServer?: boolean | undefined;
  /** The only path that is accepted. */
  path?: string | null | undefined;
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  port?: number | string | null | undefined;
  /** The HTTP server whose handshakes are accepted. */
  server?: HttpServer | HttpsServer | null | undefined;
  /** Decides whether to accept a client. A function with two parameters decides asynchronously. */
  verifyClient?:
    | ((info: ClientInfo) => unknown)
    | ((info: ClientInfo, done: Verified) => void)
    | null
    | undefined;
  /** The class of the clients. */
  WebSocket?: typeof WebSocket | undefined;
}

const defaultServerOptions: ServerOptions = {
  ...defaultConnectionOptions,
  perMessageDeflate: false,
  handleProtocols: null,
  clientTracking: true,
  verifyClient: null,
  noServer: false,
  backlog: null,
  server: null,
  host: null,
  path: null,
  port: null,
  WebSocket,
};

/** The options with their defaults. A property with the value `undefined` overrides its default. */
export type ResolvedServerOptions = ServerOptions & { WebSocket: typeof WebSocket };

/** @throws TypeError unless exactly one of `port`, `server` and `noServer` is given */
export function resolveServerOptions(given: ServerOptions | undefined): ResolvedServerOptions {
  const options = { ...defaultServerOptions, ...given } as ResolvedServerOptions;
  const { port, server, noServer } = options;
  const ways = [port !== null && port !== undefined, Boolean(server), noServer === true];
  if (ways.filter(Boolean).length !== 1) {
    throw new TypeError(
      'One and only one of the "port", "server", or "noServer" options must be specified',
    );
  }
  if (options.perMessageDeflate === true) options.perMessageDeflate = {};
  return options;
}
