import type { EventEmitter } from "node:events";
import { IncomingMessage } from "node:http";
import type { Http2ServerRequest, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import type { Refusal } from "../../protocol/index.ts";
import type { HandshakeCarrier } from "./handshake-carrier.ts";
import { Http1Upgrade } from "./http1-upgrade.ts";
import { Http2Connect } from "./http2-connect.ts";
import type { OwnHttpServer } from "../http/own-http-server.ts";
import { splitTarget } from "./received-upgrade.ts";

/** A WebSocket server, as seen by the HTTP server that it is attached to. */
export interface AttachedServer {
  readonly nodeInternals: boolean;
  /** The HTTP server, if the WebSocket server created it. */
  readonly own: OwnHttpServer | undefined;
  serves(path: string): boolean;
  take(carrier: HandshakeCarrier): void;
  /**
   * Called when no attached server has an endpoint for the path; the request was answered with 404.
   */
  onUnknownPath(path: string): void;
}

/**
 * The WebSocket servers that are attached to one HTTP server.
 *
 * They share one listener. If each had its own, none could answer an unknown path, and two servers
 * that serve the same path would both answer.
 */
export class HttpAttachment {
  readonly #http: EventEmitter;
  readonly #servers: AttachedServer[] = [];

  private constructor(http: EventEmitter) {
    this.#http = http;
  }

  /**
   * Attaches `server` after those that are attached already; returns a function that detaches it.
   */
  static add(http: EventEmitter, server: AttachedServer): () => void {
    let attachment = attachments.get(http);
    if (attachment === undefined) {
      attachment = new HttpAttachment(http);
      attachments.set(http, attachment);
    }
    return attachment.#add(server);
  }

  #add(server: AttachedServer): () => void {
    if (this.#servers.length === 0) this.#listen();
    this.#servers.push(server);
    return () => {
      const at = this.#servers.indexOf(server);
      if (at === -1) return;
      this.#servers.splice(at, 1);
      if (this.#servers.length === 0) this.#unlisten();
    };
  }

  #listen(): void {
    this.#http.on("upgrade", this.#onUpgrade);
    this.#http.on("stream", this.#onStream);
    this.#http.on("connect", onConnect);
  }

  #unlisten(): void {
    this.#http.off("upgrade", this.#onUpgrade);
    this.#http.off("stream", this.#onStream);
    this.#http.off("connect", onConnect);
  }

  readonly #onUpgrade = (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { path } = splitTarget(incoming.url ?? "/");
    this.#arrive(path, this.#http.listenerCount("upgrade") === 1, ({ nodeInternals, own }) => {
      return new Http1Upgrade(incoming, socket, { head, nodeInternals, own });
    });
  };

  readonly #onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: string[],
  ): void => {
    if (headers[":method"] !== "CONNECT") return;
    const { path } = splitTarget(headers[":path"] ?? "/");
    // A server with a listener for requests also has Node's own listener for streams.
    const known = this.#http.listenerCount("request") > 0 ? 2 : 1;
    const isAlone = this.#http.listenerCount("stream") <= known;
    this.#arrive(path, isAlone, () => new Http2Connect(stream, headers, rawHeaders));
  };

  /**
   * @param isAlone whether no other listener can serve the path; if so, unknown paths are answered
   *   with 404, because the client would wait for ever
   */
  #arrive(
    path: string,
    isAlone: boolean,
    carrierFor: (server: AttachedServer) => HandshakeCarrier,
  ): void {
    const server = this.#servers.find((one) => one.serves(path));
    if (server !== undefined) return server.take(carrierFor(server));
    const [first] = this.#servers;
    if (!isAlone || first === undefined) return;
    carrierFor(first).refuse(NOT_FOUND);
    first.onUnknownPath(path);
  }
}

const attachments = new WeakMap<EventEmitter, HttpAttachment>();

/**
 * Handles CONNECT. Without a listener, Node would answer an extended CONNECT with 405. With one,
 * Node leaves a CONNECT over HTTP/1.1, which is meant for a proxy, to the listener.
 */
function onConnect(incoming: IncomingMessage | Http2ServerRequest, socket: Duplex): void {
  // Checked by class, not by version: a request over HTTP/1.1 may claim to be HTTP/2.0, and would
  // stay open for ever.
  if (incoming instanceof IncomingMessage) socket.destroy();
}

const NOT_FOUND: Refusal = {
  status: 404,
  code: "not_found",
  message: "There is no WebSocket endpoint at this path; check the URL.",
  headers: [],
};
