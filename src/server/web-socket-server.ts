import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { TlsOptions } from "node:tls";
import { Ledger, systemClock, TimerWheel, type Clock } from "../base/index.ts";
import {
  compressionOf,
  type DeflateCompression,
  type CompressionChoice,
  relieveMemory,
  type HandleTransport,
} from "../node/index.ts";
import {
  CloseCode,
  upgradeRequired,
  type ConnectionLimits,
  type Refusal,
} from "../protocol/index.ts";
import { checkEndpoint } from "./check-endpoint.ts";
import { checkOptions } from "./check-options.ts";
import { ClientAddresses, type Addressed } from "./accept/client-address.ts";
import { DirectAccept } from "./accept/direct-accept.ts";
import { DirectUpgrade } from "./accept/direct-upgrade.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HandshakeCarrier } from "./accept/handshake-carrier.ts";
import { checkedHosts, foreignHost, isHostAllowed, type HostPolicy } from "./accept/host-policy.ts";
import { HttpAttachment } from "./accept/http-attachment.ts";
import { ServerExchange } from "./http/server-exchange.ts";
import { Keepalive } from "./peer/keepalive.ts";
import { matchEndpoint } from "./accept/match-endpoint.ts";
import { openPeer } from "./accept/open-peer.ts";
import { crossOriginFields, isPreflight, PREFLIGHT_FIELDS, VARIES } from "./accept/cross-origin.ts";
import { foreignOrigin, isOriginAllowed } from "./accept/origin-policy.ts";
import { OwnHttpServer, serverClosed } from "./http/own-http-server.ts";
import { Payers, tooManyConnections } from "./accept/payers.ts";
import type { Peer } from "./peer/peer.ts";
import { reportFailure, type PeerHost, type ServerPeer } from "./peer/server-peer.ts";
import type { RequestHead } from "./accept/plain-request-head.ts";
import { plainRefusalFields, refusalBody } from "./accept/refuse.ts";
import { resolveServerLimits, type ServerLimits } from "./server-limits.ts";
import { splitTarget } from "./accept/received-upgrade.ts";
import { WarnOnce } from "./warn-once.ts";

export interface WebSocketServerOptions extends Partial<ServerLimits> {
  /**
   * How messages are compressed if the peer offers permessage-deflate. `false` turns compression
   * off; pass a `Compression` to share one between servers. Default true: messages of at least 1
   * KiB are compressed, with no memory held per connection.
   */
  compression?: CompressionChoice;
  /**
   * Whether to use undocumented parts of Node, if they exist in the expected form. They save
   * processor time and a third of the memory per connection, see docs/reference/performance.md.
   * Default true, unless the environment variable `LONGWIRE_PUBLIC_API_ONLY` is `1`.
   */
  nodeInternals?: boolean;
  /**
   * The ledger that is charged for the memory that peers and requests hold. Default
   * `Ledger.ofProcess`, which all servers of the process share.
   */
  ledger?: Ledger;
  /**
   * The proxies in front of this server, as addresses or subnets such as `10.0.0.0/8`. The client's
   * address is then read from the entries that they add to `Forwarded` or `X-Forwarded-For`.
   * Default none: the address of the connection is the payer, so all clients behind a proxy share
   * one payer.
   */
  trustedProxies?: readonly string[];
  /** The host names that this server accepts. Default `"any"`; see `HostPolicy`. */
  hosts?: HostPolicy;
  /** The source of time; for tests. */
  clock?: Clock;
}

export interface ListenOptions {
  /** Default 0: the system chooses a port. */
  port?: number;
  /**
   * Default `127.0.0.1`: this machine only. `0.0.0.0` or `::` accepts connections from other
   * machines.
   */
  host?: string;
  /**
   * A certificate and key, to serve `wss:` over HTTP/1.1 and HTTP/2, whichever the client prefers.
   */
  tls?: TlsOptions;
  /** Whether `tls` also offers HTTP/2. Default true. */
  http2?: boolean;
}

export interface Listening {
  port: number;
  host: string;
  /** `ws://…` or `wss://…`, without a path. */
  url: string;
}

export interface CloseOptions {
  /**
   * How long peers may take to finish closing before they are cut off, in milliseconds. Default
   * 5,000.
   */
  timeoutMs?: number;
  /** The close code. Default 1001, going away. */
  code?: number;
  reason?: string;
}

/**
 * A WebSocket server, on a port of its own (`listen`), beside the routes of an existing HTTP server
 * (`attach`), or both.
 */
export class WebSocketServer<Data = unknown> {
  readonly #endpoints: readonly Endpoint[];
  readonly #limits: ServerLimits;
  readonly #peers = new Set<ServerPeer>();
  readonly #keepalive: Keepalive;
  readonly #wheel: TimerWheel;
  readonly #host: PeerHost;
  readonly #compression: DeflateCompression | undefined;
  readonly #nodeInternals: boolean;
  readonly #payers: Payers;
  readonly #hosts: HostPolicy;
  readonly #undecided = new Set<HandshakeCarrier>();
  readonly #detach: (() => void)[] = [];
  readonly #direct: DirectAccept;
  /** The HTTP servers that this server created, including those that do not listen yet. */
  readonly #own = new Set<OwnHttpServer>();
  readonly #warnings = new WarnOnce();
  /** Stops watching the memory of the process. */
  #stopRelieving: (() => void) | undefined;
  #draining = false;
  #emptied: (() => void) | undefined;

  /**
   * @param endpoints the behavior for each path; the first endpoint whose path matches is used
   * @throws LongwireError `invalid_option`, `invalid_limit`, `invalid_compression`,
   *   `invalid_address`, `invalid_hosts`, and for an endpoint `invalid_endpoint`, `invalid_path`, `invalid_origins`,
   *   `invalid_subprotocols`
   */
  constructor(
    endpoints: Endpoint<Data> | readonly Endpoint[],
    options: WebSocketServerOptions = {},
  ) {
    checkOptions(options);
    const clock = options.clock ?? systemClock;
    this.#endpoints = Array.isArray(endpoints) ? endpoints : [endpoints as Endpoint];
    for (const endpoint of this.#endpoints) checkEndpoint(endpoint);
    this.#limits = resolveServerLimits(options);
    this.#nodeInternals = options.nodeInternals ?? true;
    this.#compression = compressionOf(options.compression, this.#nodeInternals);
    this.#hosts = checkedHosts(options.hosts ?? "any");
    const addresses = new ClientAddresses(options.trustedProxies ?? [], warnOfProxy);
    this.#payers = new Payers(options.ledger ?? Ledger.ofProcess, addresses);
    this.#keepalive = new Keepalive(clock, this.#limits.keepaliveIntervalMs);
    this.#wheel = new TimerWheel(clock);
    this.#direct = new DirectAccept({
      clock,
      timeoutMs: this.#limits.handshakeTimeoutMs,
      maxHeaderBytes: this.#limits.maxHeaderBytes,
      take: (head, transport) => this.#takeDirect(head, transport),
    });
    this.#host = {
      maxBufferedBytes: this.#limits.maxBufferedBytes,
      keepaliveIntervalMs: this.#limits.keepaliveIntervalMs,
      limitsWith: limitsOf(this.#limits),
      connection: {
        role: "server",
        limits: this.#limits,
        wheel: this.#wheel,
        closeTimeoutMs: this.#limits.closeTimeoutMs,
        stopReadingBytes: this.#limits.stopReadingBytes,
        oneTaskPerMessage: false,
      },
      onArrived: (peer) => this.#take(peer),
      onGone: (peer) => this.#forget(peer),
    };
  }

  /** The connected peers, including those that are closing. */
  get peers(): ReadonlySet<Peer<Data>> {
    return this.#peers as ReadonlySet<Peer> as ReadonlySet<Peer<Data>>;
  }

  /**
   * Listens on a port of its own. May be called several times, to listen on several ports.
   *
   * @throws LongwireError `address_in_use`, `cannot_listen`, `server_closed` after `close`
   */
  async listen(options: ListenOptions = {}): Promise<Listening> {
    const { port = 0, host = "127.0.0.1", tls, http2 = true } = options;
    if (this.#draining) throw serverClosed();
    const own = new OwnHttpServer(this.#limits, tls && { ...tls, offersHttp2: http2 });
    own.http.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
      if (!this.handleRequest(incoming, response)) notFound(response);
    });
    const detach = this.#attach(own.http, own);
    // Added before it listens, because `close` may be called meanwhile.
    this.#own.add(own);
    const address = await own.listen(port, host).catch((error: unknown) => {
      this.#own.delete(own);
      detach();
      throw error;
    });
    if (this.#draining) throw serverClosed();
    if (this.#nodeInternals && tls === undefined) this.#direct.watch(own.http);
    const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
    const scheme = tls === undefined ? "ws" : "wss";
    return { port: address.port, host, url: `${scheme}://${shown}:${address.port}` };
  }

  /**
   * Handles the WebSocket handshakes of an existing `http`, `https` or `http2` server. The server
   * keeps all other requests; pass them to `handleRequest` if an endpoint answers plain HTTP, too.
   *
   * Over HTTP/2, the server needs the setting `enableConnectProtocol`; otherwise clients do not
   * try.
   *
   * @returns a function that detaches this server
   */
  attach(http: EventEmitter): () => void {
    return this.#attach(http, undefined);
  }

  #attach(http: EventEmitter, own: OwnHttpServer | undefined): () => void {
    this.#stopRelieving ??= relieveMemory();
    const detach = HttpAttachment.add(http, {
      nodeInternals: this.#nodeInternals,
      own,
      serves: (path) => matchEndpoint(this.#endpoints, path) !== undefined,
      take: (carrier) => this.#arriveAt(matchEndpoint(this.#endpoints, carrier.path)!, carrier),
      onUnknownPath: (path) => this.#warnOfPath(path),
    });
    this.#detach.push(detach);
    return detach;
  }

  /**
   * Answers a plain HTTP request if it is on an endpoint's path.
   *
   * @returns whether the request was on an endpoint's path
   */
  handleRequest(
    incoming: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): boolean {
    const endpoint = matchEndpoint(this.#endpoints, splitTarget(incoming.url ?? "/").path);
    if (endpoint === undefined) return false;
    void this.#request(endpoint, this.#exchange(incoming, response));
    return true;
  }

  #exchange(
    incoming: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): ServerExchange {
    const request = addressedOf(incoming as IncomingMessage);
    // The HTTP/2 objects are compatible with those of HTTP/1.1.
    return new ServerExchange(incoming as IncomingMessage, response as ServerResponse, {
      payer: this.#payers.of(request),
      clientAddress: this.#payers.addressOf(request),
      wheel: this.#wheel,
      bodyTimeoutMs: this.#limits.handshakeTimeoutMs,
    });
  }

  /** Returns the reason for refusing a plain request before the application sees it. */
  #refusalOf(endpoint: Endpoint, exchange: ServerExchange): Refusal | undefined {
    const { incoming, account } = exchange;
    const { origin } = incoming.headers;
    const host = hostOf(incoming);
    if (!isHostAllowed(this.#hosts, host)) return foreignHost(host);
    // Otherwise a page elsewhere could publish with its visitor's cookies.
    if (!isOriginAllowed(endpoint.origins ?? "same", origin, host)) {
      this.#warnOfOrigin(origin);
      return foreignOrigin(origin);
    }
    const hasRoom = this.#payers.hasPlace(account.payer!) && exchange.chargeRequest();
    return hasRoom ? undefined : tooManyConnections();
  }

  /**
   * Drains the server: stops accepting connections, closes all peers with 1001, waits for them, and
   * cuts off those that do not finish in time.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { timeoutMs = 5_000, code = CloseCode.GoingAway, reason = "" } = options;
    this.#draining = true;
    const stopped = Promise.all(Array.from(this.#own, (own) => own.stop()));
    for (const endpoint of this.#endpoints) sendDraining(endpoint);
    for (const peer of this.#peers) peer.close(code, reason);
    await this.#untilNoPeers(timeoutMs);
    for (const peer of this.#peers) peer.terminate();
    for (const carrier of this.#undecided) carrier.destroy();
    this.#direct.cut();
    for (const own of this.#own) own.cut();
    await this.#untilNoPeers(timeoutMs);
    // Not earlier, because a handshake that arrives meanwhile must be answered with 503.
    for (const detach of this.#detach.splice(0)) detach();
    await stopped;
    this.#stopRelieving?.();
    this.#stopRelieving = undefined;
  }

  #takeDirect(head: RequestHead, transport: () => HandleTransport): boolean {
    const endpoint = matchEndpoint(this.#endpoints, splitTarget(head.target).path);
    if (endpoint === undefined) return false;
    this.#arriveAt(endpoint, new DirectUpgrade(head, transport(), this.#wheel));
    return true;
  }

  #arriveAt(endpoint: Endpoint, carrier: HandshakeCarrier): void {
    if (this.#draining) return carrier.refuse(DRAINING);
    // Tracked until the decision, so that a drain can end it.
    this.#undecided.add(carrier);
    void openPeer({
      endpoint,
      carrier,
      host: this.#host,
      compression: this.#compression,
      wheel: this.#wheel,
      timeoutMs: this.#limits.handshakeTimeoutMs,
      hosts: this.#hosts,
      payers: this.#payers,
      isTooLate: () => this.#draining,
      onDecided: () => this.#undecided.delete(carrier),
      onForeignOrigin: (origin) => this.#warnOfOrigin(origin),
    });
  }

  #warnOfOrigin(origin = ""): void {
    this.#warnings.warn("foreign_origin", () => {
      const shown = JSON.stringify(origin.slice(0, 200));
      return `Refused a page from ${shown} with 403, because its origin differs from the host that it connects to. If the page is yours, add its origin to the endpoint's origins: [${shown}]. Later refusals are not reported.`;
    });
  }

  #warnOfPath(path: string): void {
    this.#warnings.warn("unknown_path", () => {
      const served = this.#endpoints.map((endpoint) => endpoint.path).slice(0, 10);
      return `Refused a WebSocket at ${JSON.stringify(path.slice(0, 200))} with 404, because no endpoint has this path; the paths are ${served.join(", ")}. Correct the client's URL or the endpoint's path. Later refusals are not reported.`;
    });
  }

  #take(peer: ServerPeer): void {
    this.#peers.add(peer);
    this.#keepalive.watch(peer);
  }

  #forget(peer: ServerPeer): void {
    this.#keepalive.forget(peer);
    this.#peers.delete(peer);
    if (this.#peers.size === 0) this.#emptied?.();
  }

  async #request(endpoint: Endpoint, exchange: ServerExchange): Promise<void> {
    try {
      const { origins = "same" } = endpoint;
      const refused = this.#refusalOf(endpoint, exchange);
      exchange.addFields(
        refused === undefined ? crossOriginFields(origins, exchange.header("origin")) : VARIES,
      );
      if (refused !== undefined) {
        const fields = { ...JSON_TYPE, ...Object.fromEntries(refused.headers) };
        return exchange.answer(refused.status, fields, refusalBody(refused));
      }
      if (isPreflight(exchange.method, (name) => exchange.header(name))) {
        return exchange.answer(204, PREFLIGHT_FIELDS, "");
      }
      if (endpoint.onRequest !== undefined) return void (await endpoint.onRequest(exchange));
      const refusal = upgradeRequired();
      const fields = plainRefusalFields(refusal, exchange.incoming);
      exchange.answer(refusal.status, fields, refusalBody(refusal));
    } catch (cause) {
      reportFailure(endpoint, cause, undefined);
      const message = "The server failed to handle the request; try again later.";
      exchange.fail(JSON_TYPE, refusalBody({ code: "internal", message }));
    }
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

function hostOf({ headers }: IncomingMessage): string | undefined {
  return headers.host ?? (headers[":authority"] as string | undefined);
}

function addressedOf(incoming: IncomingMessage): Addressed {
  const { remoteAddress } = incoming.socket;
  const header = (name: string): string | undefined => {
    const value = incoming.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  return { remoteAddress, header };
}

/** Returns one shared object for peers with equal limits. */
function limitsOf(limits: ServerLimits): PeerHost["limitsWith"] {
  const known = new Map<number, ConnectionLimits>();
  return (maxMessageBytes) => {
    let those = known.get(maxMessageBytes);
    if (those === undefined) known.set(maxMessageBytes, (those = { ...limits, maxMessageBytes }));
    return those;
  };
}

function warnOfProxy(address: string): void {
  const message = `Requests from ${address} have Forwarded or X-Forwarded-For headers, but ${address} is not in trustedProxies, so all clients behind it share one payer's limits. If it is your proxy, add it to trustedProxies.`;
  process.emitWarning(message, { type: "LongwireWarning", code: "unnamed_proxy" });
}

/** An endpoint that throws must not keep the others from draining. */
function sendDraining(endpoint: Endpoint): void {
  try {
    const pending = endpoint.onDraining?.();
    if (!(pending instanceof Promise)) return;
    pending.catch((cause: unknown) => reportFailure(endpoint, cause, undefined));
  } catch (cause) {
    reportFailure(endpoint, cause, undefined);
  }
}

const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };

const DRAINING = {
  status: 503,
  code: "draining",
  message: "The server is shutting down; connect again in a moment.",
  headers: [["Retry-After", "1"] satisfies [string, string]],
};

function notFound(response: ServerResponse): void {
  response.writeHead(404, JSON_TYPE);
  response.end(
    refusalBody({
      code: "not_found",
      message: "There is no endpoint at this path; check the URL.",
    }),
  );
}
