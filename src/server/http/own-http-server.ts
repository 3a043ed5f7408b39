import { createServer, type Server } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
} from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import { LongwireError } from "../../base/index.ts";
import type { ServerLimits } from "../server-limits.ts";

/** How often Node checks for requests that take too long, in milliseconds. */
const REQUEST_CHECK_MS = 1_000;

/**
 * The HTTP server for `listen`: HTTP/1.1, and with a certificate also HTTP/2, whichever the client
 * prefers. (RFC 7301)
 */
export class OwnHttpServer {
  readonly http: Server | Http2SecureServer;
  readonly #sessions = new OpenConnections<ServerHttp2Session>();
  readonly #sockets = new OpenConnections<Socket>();
  #isStopped = false;

  constructor(limits: ServerLimits, tls: (TlsOptions & { offersHttp2: boolean }) | undefined) {
    this.http = createHttp(limits, tls);
    this.http.on("connection", (socket: Socket) => this.#sockets.add(socket));
    this.http.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      endWhenIdle(session, limits.handshakeTimeoutMs);
    });
  }

  /**
   * @throws LongwireError `address_in_use`, `cannot_listen`; `server_closed` if stopped meanwhile
   */
  listen(port: number, host: string): Promise<AddressInfo> {
    const { http } = this;
    return new Promise((resolve, reject) => {
      http.once("error", (cause: NodeJS.ErrnoException) => reject(cannotListen(cause, port, host)));
      http.once("close", () => reject(serverClosed()));
      http.listen({ port, host }, () => {
        // Some versions of Node start to listen after the host lookup, even if the server was
        // closed before.
        if (this.#isStopped) http.close();
        else resolve(http.address() as AddressInfo);
      });
    });
  }

  /** Stops tracking a stream, because its new owner will end it. */
  letGo(stream: Duplex): void {
    this.#sockets.letGo(stream as Socket);
  }

  /** Stops accepting connections, and streams on existing connections. */
  stop(): Promise<void> {
    this.#isStopped = true;
    const stopped = new Promise<void>((resolve) => this.http.close(() => resolve()));
    for (const session of this.#sessions.all) session.close();
    return stopped;
  }

  /** Cuts all remaining connections. */
  cut(): void {
    for (const session of this.#sessions.all) session.destroy();
    for (const socket of this.#sockets.all) socket.destroy();
  }
}

/** Tracks connections until they close. */
class OpenConnections<One extends Socket | ServerHttp2Session> {
  readonly all: Set<One> = new Set();
  /** One function for all connections. */
  readonly #onClose: (this: One) => void;

  constructor() {
    const { all } = this;
    this.#onClose = function () {
      all.delete(this);
    };
  }

  add(one: One): void {
    this.all.add(one);
    one.on("close", this.#onClose);
  }

  letGo(one: One): void {
    if (this.all.delete(one)) one.off("close", this.#onClose);
  }
}

function createHttp(
  limits: ServerLimits,
  tls: (TlsOptions & { offersHttp2: boolean }) | undefined,
): Server | Http2SecureServer {
  const http1 = { ...http1Options(limits), noDelay: true };
  if (tls === undefined) return createServer(http1);
  const { offersHttp2, ...given } = tls;
  const secure = { handshakeTimeout: limits.handshakeTimeoutMs, ...given };
  if (!offersHttp2) return createTlsServer({ ...http1, ...secure });
  return createSecure(limits, secure);
}

function createSecure(limits: ServerLimits, tls: TlsOptions): Http2SecureServer {
  const options: SecureServerOptions = {
    settings: { enableConnectProtocol: true, maxHeaderListSize: limits.maxHeaderBytes },
    noDelay: true,
    ...tls,
    allowHTTP1: true,
  };
  const server = createSecureServer(options);
  // Node's http2 server does not accept these as options, but reads them as properties.
  return Object.assign(server, {
    ...http1Options(limits),
    maxHeaderSize: limits.maxHeaderBytes,
  });
}

function http1Options(limits: ServerLimits): object {
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.handshakeTimeoutMs,
    requestTimeout: limits.handshakeTimeoutMs,
    connectionsCheckingInterval: REQUEST_CHECK_MS,
  };
}

/**
 * Ends an HTTP/2 connection that has had no open streams for `timeoutMs`. Open streams may be
 * silent for longer.
 *
 * It does not use the session's own timer, because any received bytes would restart it, and does
 * not use `close`, because it waits for a request whose headers never end.
 */
function endWhenIdle(session: ServerHttp2Session, timeoutMs: number): void {
  let openStreams = 0;
  const endLater = (): NodeJS.Timeout => setTimeout(() => session.destroy(), timeoutMs).unref();
  let idle = endLater();
  session.on("stream", (stream) => {
    clearTimeout(idle);
    openStreams += 1;
    stream.once("close", () => {
      openStreams -= 1;
      if (openStreams === 0 && !session.destroyed) idle = endLater();
    });
  });
  session.once("close", () => clearTimeout(idle));
}

export function serverClosed(): LongwireError {
  const message = "The WebSocket server is closed; create a new one to listen again.";
  return new LongwireError("server_closed", message);
}

function cannotListen(cause: NodeJS.ErrnoException, port: number, host: string): LongwireError {
  if (cause.code === "EADDRINUSE") {
    const message = `Port ${port} on ${host} is already in use; stop the program that uses it, or choose another port (--port).`;
    return new LongwireError("address_in_use", message, { cause });
  }
  const message = `Cannot listen on ${host}:${port} (${cause.message}); choose another host or port.`;
  return new LongwireError("cannot_listen", message, { cause });
}
