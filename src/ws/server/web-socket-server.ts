import { EventEmitter } from "node:events";
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { sha1Base64 } from "../../node/index.ts";
import { acceptFor } from "../../protocol/index.ts";
import { format } from "../deflate/extension.ts";
import { PerMessageDeflate } from "../deflate/per-message-deflate.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import {
  resolveServerOptions,
  type ResolvedServerOptions,
  type ServerOptions,
  type Verified,
} from "./server-options.ts";
import { agreedDeflate, protocolsIn, requireUpgrade, UpgradeRefusal } from "./server-request.ts";
import type { WebSocket } from "../web-socket.ts";

/** Receives an accepted client. */
export type UpgradeCallback = (client: WebSocket, request: IncomingMessage) => void;

/** A handshake that passed the checks. */
interface Handshake {
  key: string;
  protocols: Set<string>;
  deflate: PerMessageDeflate | undefined;
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** Streams that already have a client. */
const taken = new WeakSet<Duplex>();

/**
 * The `WebSocketServer` of the npm package `ws`, on Longwire's engine.
 *
 * Its events are documented there and in docs/reference/ws.md.
 */
export class WebSocketServer extends EventEmitter {
  readonly options: ResolvedServerOptions;
  /** The connected clients; undefined if `clientTracking` is off. */
  declare clients?: Set<WebSocket>;
  /** The HTTP server whose handshakes are accepted, until `close`. */
  _server: HttpServer | null | undefined;
  #state: "running" | "closing" | "closed" = "running";
  #closesWhenEmpty = false;
  #stopListening: (() => void) | undefined;

  /** @throws TypeError unless exactly one of `port`, `server` and `noServer` is given */
  constructor(options?: ServerOptions, callback?: () => void) {
    super();
    this.options = resolveServerOptions(options);
    const { port, server, clientTracking } = this.options;
    if (clientTracking) this.clients = new Set();
    if (port !== null && port !== undefined) this._server = this.#listen(port, callback);
    else if (server) this._server = server;
    if (this._server) this.#stopListening = this.#listenTo(this._server);
  }

  /** @throws Error if there is no HTTP server */
  address(): AddressInfo | string | null {
    if (this.options.noServer === true) {
      throw new Error('The server is operating in "noServer" mode');
    }
    return this._server?.address() ?? null;
  }

  /** Stops accepting clients; `close` is emitted once all connected clients have gone. */
  close(callback?: (error?: Error) => void): void {
    if (this.#state === "closed") {
      if (callback) this.once("close", () => callback(new Error("The server is not running")));
      process.nextTick(() => this.emit("close"));
      return;
    }
    if (callback) this.once("close", callback);
    if (this.#state === "closing") return;
    this.#state = "closing";
    const own = this.options.port === null || this.options.port === undefined ? null : this._server;
    this.#stopListening?.();
    this._server = null;
    if (own) own.close(() => this.#closed());
    else if (this.clients === undefined || this.clients.size === 0) this.#closeSoon();
    else this.#closesWhenEmpty = true;
  }

  /** Whether this server should accept the request. */
  shouldHandle({ url = "" }: IncomingMessage): boolean | Promise<boolean> {
    const { path } = this.options;
    return !path || url.split("?", 1)[0] === path;
  }

  /**
   * Accepts or refuses a handshake.
   *
   * @throws Error if the socket was passed before
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: UpgradeCallback,
  ): void {
    socket.on("error", destroyThis);
    try {
      const key = requireUpgrade(request);
      if (!this.shouldHandle(request)) return refuseUpgrade(socket, { status: 400 });
      const protocols = protocolsIn(request);
      const deflate = agreedDeflate(request, this.options);
      this.#verify({ key, protocols, deflate, request, socket, head }, callback);
    } catch (error) {
      if (!(error instanceof UpgradeRefusal)) throw error;
      this.#refuse(error, socket, request);
    }
  }

  #verify(handshake: Handshake, callback: UpgradeCallback): void {
    const { verifyClient } = this.options;
    const { socket } = handshake;
    if (!verifyClient) return this.#complete(handshake, callback);
    const info = clientInfo(handshake.request);
    if (verifyClient.length === 2) {
      const done: Verified = (verified, status = 401, message, headers) => {
        if (verified) this.#complete(handshake, callback);
        else refuseUpgrade(socket, { status, message, headers });
      };
      verifyClient(info, done);
      return;
    }
    const verified = (verifyClient as (about: typeof info) => unknown)(info);
    if (verified) this.#complete(handshake, callback);
    else refuseUpgrade(socket, { status: 401 });
  }

  #complete(handshake: Handshake, callback: UpgradeCallback): void {
    const { socket, request, head } = handshake;
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (taken.has(socket)) {
      throw new Error(
        "server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration",
      );
    }
    if (this.#state !== "running") return refuseUpgrade(socket, { status: 503 });
    taken.add(socket);
    const client = new this.options.WebSocket(null, undefined, this.options);
    const lines = this.#accept(client, handshake);
    this.emit("headers", lines, request);
    socket.write([...lines, "\r\n"].join("\r\n"));
    socket.off("error", destroyThis);
    client.setSocket(socket, head, this.options);
    this.#track(client);
    callback(client, request);
  }

  /** Returns the lines of the response. (RFC 6455 §4.2.2) */
  #accept(client: WebSocket, { key, protocols, deflate, request }: Handshake): string[] {
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptFor(key, sha1Base64)}`,
    ];
    const { handleProtocols } = this.options;
    const [first] = protocols;
    const chosen =
      first !== undefined && handleProtocols ? handleProtocols(protocols, request) : first;
    if (chosen) {
      lines.push(`Sec-WebSocket-Protocol: ${chosen}`);
      client._protocol = chosen;
    }
    if (deflate !== undefined) {
      const agreed = format({ [PerMessageDeflate.extensionName]: { ...deflate.params } });
      lines.push(`Sec-WebSocket-Extensions: ${agreed}`);
      client._extensions = { [PerMessageDeflate.extensionName]: deflate };
    }
    return lines;
  }

  #track(client: WebSocket): void {
    const { clients } = this;
    if (clients === undefined) return;
    clients.add(client);
    client.on("close", () => {
      clients.delete(client);
      if (this.#closesWhenEmpty && clients.size === 0) this.#closeSoon();
    });
  }

  #refuse(refusal: UpgradeRefusal, socket: Duplex, request: IncomingMessage): void {
    const { status, message, headers } = refusal;
    if (this.listenerCount("wsClientError") > 0) {
      this.emit("wsClientError", new Error(message), socket, request);
    } else {
      refuseUpgrade(socket, { status, message, headers });
    }
  }

  #listen(port: number | string, callback: (() => void) | undefined): HttpServer {
    const server = createServer(upgradeRequired);
    const { host, backlog } = this.options;
    server.listen(port as number, host as string, backlog as number, callback);
    return server;
  }

  #listenTo(server: HttpServer): () => void {
    const onListening = (): void => void this.emit("listening");
    const onError = (error: Error): void => void this.emit("error", error);
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
      this.handleUpgrade(request, socket, head, (client, from) =>
        this.emit("connection", client, from),
      );
    server.on("listening", onListening).on("error", onError).on("upgrade", onUpgrade);
    return () => {
      server.off("listening", onListening).off("error", onError).off("upgrade", onUpgrade);
    };
  }

  #closeSoon(): void {
    process.nextTick(() => this.#closed());
  }

  #closed(): void {
    this.#state = "closed";
    this.emit("close");
  }
}

function clientInfo(request: IncomingMessage): {
  origin: string | undefined;
  secure: boolean;
  req: IncomingMessage;
} {
  const { headers, socket } = request;
  const isOld = Number(headers["sec-websocket-version"]) === 8;
  const { authorized, encrypted } = socket as { authorized?: boolean; encrypted?: boolean };
  return {
    origin: isOld ? (headers["sec-websocket-origin"] as string | undefined) : headers.origin,
    secure: Boolean(authorized || encrypted),
    req: request,
  };
}

function upgradeRequired(_request: IncomingMessage, response: ServerResponse): void {
  const body = STATUS_CODES[426]!;
  response.writeHead(426, { "Content-Length": body.length, "Content-Type": "text/plain" });
  response.end(body);
}

function destroyThis(this: Duplex): void {
  this.destroy();
}
