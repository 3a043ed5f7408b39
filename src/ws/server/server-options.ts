import type { IncomingMessage, OutgoingHttpHeaders, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { defaultConnectionOptions, type ConnectionOptions } from "../connection-options.ts";
import type { PerMessageDeflateOptions } from "../deflate/per-message-deflate.ts";
import { WebSocket } from "../web-socket.ts";

/** What `verifyClient` is asked about. */
export interface ClientInfo {
  /** The `Origin` header. */
  origin: string | undefined;
  req: IncomingMessage;
  /** Whether the connection is over TLS. */
  secure: boolean;
}

/** Lets a client in, or refuses it with `code`, 401 if left out, and `message` as body. */
export type Verified = (
  verified: boolean,
  code?: number,
  message?: string,
  headers?: OutgoingHttpHeaders,
) => void;

/** What a server of `ws` takes. */
export interface ServerOptions extends ConnectionOptions {
  backlog?: number | null | undefined;
  /** Whether `clients` is kept. Default true. */
  clientTracking?: boolean | undefined;
  /** Chooses a subprotocol; whatever is falsy means none. Default the client's first. */
  handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false | undefined)
    | null
    | undefined;
  host?: string | null | undefined;
  /** Whether handshakes come by `handleUpgrade` only. */
  noServer?: boolean | undefined;
  /** The one path that is answered. */
  path?: string | null | undefined;
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  port?: number | string | null | undefined;
  /** Whose handshakes are taken. */
  server?: HttpServer | HttpsServer | null | undefined;
  /** Decides who is let in; one that takes two arguments decides later. */
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

/** The options with their defaults. What is there with the value `undefined` overrides one. */
export type ResolvedServerOptions = ServerOptions & { WebSocket: typeof WebSocket };

/** @throws TypeError unless there is one way to be reached */
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
