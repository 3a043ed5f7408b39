import type { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { LongwireError, systemClock, TimerWheel, type Clock } from "../base/index.ts";
import { CloseCode, MemoryBudget, upgradeRequired } from "../protocol/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { HttpExchange } from "./http-exchange.ts";
import { Keepalive } from "./keepalive.ts";
import { matchEndpoint } from "./match-endpoint.ts";
import { openPeer } from "./open-peer.ts";
import { foreignOrigin, isOriginAllowed } from "./origin-policy.ts";
import { reportFailure, type Peer, type PeerHost } from "./peer.ts";
import { refusalBody, refuseHandshake } from "./refuse.ts";
import { resolveServerLimits, type ServerLimits } from "./server-limits.ts";
import { splitTarget } from "./upgrade-request.ts";

export interface WebSocketServerOptions extends Partial<ServerLimits> {
  /** Where time comes from; for tests. */
  clock?: Clock;
}

export interface ListenOptions {
  /** Default 0: the system picks one. */
  port?: number;
  /** Default `127.0.0.1`: this machine only. `0.0.0.0` or `::` lets others in. */
  host?: string;
  /** Certificate and key make it `wss:`. */
  tls?: TlsOptions;
}

export interface Listening {
  port: number;
  host: string;
  /** `ws://…` or `wss://…`, without a path. */
  url: string;
}

export interface CloseOptions {
  /** How long peers may take to finish closing before they are cut, in milliseconds. Default 5,000. */
  timeoutMs?: number;
  /** Default 1001, going away. */
  code?: number;
  reason?: string;
}

/** How often Node looks for requests that take too long, in milliseconds. */
const REQUEST_CHECK_MS = 1_000;

/**
 * A WebSocket server: on a port of its own (`listen`), or beside other routes of an existing HTTP
 * server (`attach`), or both.
 */
export class WebSocketServer {
  readonly #endpoints: readonly Endpoint[];
  readonly #limits: ServerLimits;
  readonly #peers = new Set<Peer>();
  readonly #keepalive: Keepalive;
  readonly #wheel: TimerWheel;
  readonly #host: PeerHost;
  readonly #undecided = new Set<Duplex>();
  readonly #detach: (() => void)[] = [];
  #own: Server | undefined;
  #draining = false;
  #emptied: (() => void) | undefined;

  /**
   * @param endpoints what to do with connections; the first one whose path matches is taken
   * @throws LongwireError `invalid_limit`
   */
  constructor(endpoints: Endpoint | readonly Endpoint[], options: WebSocketServerOptions = {}) {
    const clock = options.clock ?? systemClock;
    this.#endpoints = "length" in endpoints ? endpoints : [endpoints];
    this.#limits = resolveServerLimits(options);
    this.#keepalive = new Keepalive(clock, this.#limits.keepaliveIntervalMs);
    this.#wheel = new TimerWheel(clock);
    this.#host = {
      maxBufferedBytes: this.#limits.maxBufferedBytes,
      connection: {
        role: "server",
        limits: this.#limits,
        budget: new MemoryBudget(this.#limits.maxUnfinishedBytes),
        wheel: this.#wheel,
        closeTimeoutMs: this.#limits.closeTimeoutMs,
        stopReadingBytes: this.#limits.stopReadingBytes,
        oneTaskPerMessage: false,
      },
      onGone: (peer) => this.#forget(peer),
    };
  }

  /** The peers that are connected now, also those that are closing. */
  get peers(): ReadonlySet<Peer> {
    return this.#peers;
  }

  /**
   * Listens on a port of its own.
   *
   * @throws LongwireError `address_in_use`, `cannot_listen`
   */
  async listen(options: ListenOptions = {}): Promise<Listening> {
    const { port = 0, host = "127.0.0.1", tls } = options;
    const http = tls === undefined ? createServer(this.#httpOptions) : this.#createTls(tls);
    http.on("request", (incoming, response) => {
      if (!this.handleRequest(incoming, response)) notFound(response);
    });
    this.attach(http);
    await listening(http, port, host);
    this.#own = http;
    const address = http.address() as AddressInfo;
    const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
    const scheme = tls === undefined ? "ws" : "wss";
    return { port: address.port, host, url: `${scheme}://${shown}:${address.port}` };
  }

  /**
   * Takes the WebSocket handshakes of an existing `http` or `https` server. Its other requests
   * stay its own; give them to `handleRequest` where an endpoint answers plain HTTP too.
   *
   * @returns how to let go of it
   */
  attach(http: EventEmitter): () => void {
    const onUpgrade = (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
      const endpoint = matchEndpoint(this.#endpoints, splitTarget(incoming.url ?? "/").path);
      if (endpoint !== undefined) return this.#upgrade(endpoint, incoming, socket, head);
      // Somebody else may know the path; if nobody else is there, the client must not hang.
      if (http.listenerCount("upgrade") === 1) refuseHandshake(socket, NOT_FOUND);
    };
    http.on("upgrade", onUpgrade);
    const detach = (): void => void http.off("upgrade", onUpgrade);
    this.#detach.push(detach);
    return detach;
  }

  /** Answers a plain HTTP request if it is on an endpoint's path; returns whether it was. */
  handleRequest(incoming: IncomingMessage, response: ServerResponse): boolean {
    const endpoint = matchEndpoint(this.#endpoints, splitTarget(incoming.url ?? "/").path);
    if (endpoint === undefined) return false;
    const exchange = new HttpExchange(incoming, response);
    const { origin, host } = incoming.headers;
    if (!isOriginAllowed(endpoint.origins ?? "same", origin, host)) {
      // A page elsewhere could otherwise publish with its visitor's cookies.
      exchange.answer(403, JSON_TYPE, refusalBody(foreignOrigin(origin)));
      return true;
    }
    if (endpoint.onRequest === undefined) {
      const refusal = upgradeRequired();
      exchange.answer(refusal.status, Object.fromEntries(refusal.headers), refusalBody(refusal));
    } else {
      void this.#request(endpoint, exchange);
    }
    return true;
  }

  /**
   * Drains: takes no new connections, closes all peers with 1001, waits for them, and cuts those
   * that did not finish in time.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { timeoutMs = 5_000, code = CloseCode.GoingAway, reason = "" } = options;
    this.#draining = true;
    const stopped = this.#stopListening();
    for (const endpoint of this.#endpoints) endpoint.onDraining?.();
    for (const peer of this.#peers) peer.close(code, reason);
    await this.#untilNoPeers(timeoutMs);
    for (const peer of this.#peers) peer.terminate();
    for (const socket of this.#undecided) socket.destroy();
    this.#own?.closeAllConnections();
    await this.#untilNoPeers(timeoutMs);
    // Not before: a handshake that comes meanwhile must hear 503 and not nothing.
    for (const detach of this.#detach.splice(0)) detach();
    await stopped;
  }

  get #httpOptions(): object {
    return {
      maxHeaderSize: this.#limits.maxHeaderBytes,
      headersTimeout: this.#limits.handshakeTimeoutMs,
      requestTimeout: this.#limits.handshakeTimeoutMs,
      connectionsCheckingInterval: REQUEST_CHECK_MS,
      noDelay: true,
    };
  }

  #createTls(tls: TlsOptions): Server {
    const handshakeTimeout = this.#limits.handshakeTimeoutMs;
    return createTlsServer({ handshakeTimeout, ...this.#httpOptions, ...tls });
  }

  #upgrade(endpoint: Endpoint, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#draining) return refuseHandshake(socket, DRAINING);
    // Kept in view until it is a peer or gone, so that a drain can end it.
    this.#undecided.add(socket);
    const gone = (): void => void this.#undecided.delete(socket);
    socket.once("close", gone);
    void openPeer({
      endpoint,
      incoming,
      socket: socket as Socket,
      head,
      host: this.#host,
      wheel: this.#wheel,
      timeoutMs: this.#limits.handshakeTimeoutMs,
      admit: (peer) => {
        gone();
        socket.off("close", gone);
        return this.#admit(peer);
      },
    });
  }

  /** Takes a new peer in; false when the server began to drain meanwhile. */
  #admit(peer: Peer): boolean {
    if (this.#draining) return false;
    this.#peers.add(peer);
    this.#keepalive.watch(peer);
    return true;
  }

  #forget(peer: Peer): void {
    this.#keepalive.forget(peer);
    this.#peers.delete(peer);
    if (this.#peers.size === 0) this.#emptied?.();
  }

  async #request(endpoint: Endpoint, exchange: HttpExchange): Promise<void> {
    try {
      await endpoint.onRequest?.(exchange);
    } catch (cause) {
      reportFailure(endpoint, cause, undefined);
      const message = "The server failed on this request; try again later.";
      if (!exchange.response.headersSent) {
        exchange.answer(500, JSON_TYPE, refusalBody({ code: "internal", message }));
      }
    }
  }

  #stopListening(): Promise<void> {
    const own = this.#own;
    if (own === undefined) return Promise.resolve();
    return new Promise((resolve) => own.close(() => resolve()));
  }

  /** Resolves when the last peer's `onClose` has been called, or after `timeoutMs`. */
  #untilNoPeers(timeoutMs: number): Promise<void> {
    if (this.#peers.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied = resolve;
      this.#wheel.after(timeoutMs, resolve);
    });
  }
}

const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };

const NOT_FOUND = {
  status: 404,
  code: "not_found",
  message: "No WebSocket endpoint has this path; check the URL.",
  headers: [],
};

const DRAINING = {
  status: 503,
  code: "draining",
  message: "The server is shutting down; connect again in a moment.",
  headers: [["Retry-After", "1"] satisfies [string, string]],
};

function notFound(response: ServerResponse): void {
  response.writeHead(404, JSON_TYPE);
  response.end(refusalBody({ code: "not_found", message: "Nothing has this path." }));
}

function listening(http: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (cause: NodeJS.ErrnoException) => reject(cannotListen(cause, port, host)));
    http.listen({ port, host }, resolve);
  });
}

function cannotListen(cause: NodeJS.ErrnoException, port: number, host: string): LongwireError {
  if (cause.code === "EADDRINUSE") {
    const message = `Port ${port} on ${host} is in use by another program; stop that program or choose another port (--port).`;
    return new LongwireError("address_in_use", message, { cause });
  }
  const message = `Cannot listen on ${host}:${port} (${cause.message}); choose another host or port.`;
  return new LongwireError("cannot_listen", message, { cause });
}
