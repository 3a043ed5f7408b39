import {
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from "node:http";
import { request as requestHttps } from "node:https";
import type { EventEmitter } from "node:events";
import { connect as connectTcp, isIP, type NetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import { freshHandshakeKey, isToken } from "../../protocol/index.ts";
import { checkAnswer, type Asked } from "./client-answer.ts";
import {
  resolveClientOptions,
  type ClientOptions,
  type ResolvedClientOptions,
} from "./client-options.ts";
import { destinationOf, isSameHost, type Destination } from "./client-url.ts";
import { format } from "../deflate/extension.ts";
import { PerMessageDeflate } from "../deflate/per-message-deflate.ts";

/** Receives the events of an opening handshake. */
export interface OpeningOwner {
  onUrl(url: string): void;
  /** Called when no connection will come of it; `onFailed` follows. */
  onAborted(): void;
  onFailed(error: Error): void;
  onOpened(opened: Opened): void;
}

export interface Opened {
  socket: Duplex;
  head: Buffer;
  protocol: string;
  deflate: PerMessageDeflate | undefined;
}

/** A client's opening handshake, including the redirects that it may follow. */
export class ClientOpening {
  readonly options: ResolvedClientOptions;
  /** The current request, until it is answered. */
  request: ClientRequest | null = null;
  readonly #owner: OpeningOwner;
  readonly #emitter: EventEmitter;
  #protocols: ReadonlySet<string> = new Set();
  /** The application's headers, sent with every request; in lower case after a redirect. */
  #headers: OutgoingHttpHeaders;
  #first: Destination | undefined;
  #redirects = 0;
  #isOver = false;

  /** @throws RangeError for an unsupported protocol version */
  constructor(owner: OpeningOwner, emitter: EventEmitter, options: ClientOptions | undefined) {
    this.options = resolveClientOptions(options);
    this.#owner = owner;
    this.#emitter = emitter;
    this.#headers = { ...options?.headers };
  }

  /** @throws SyntaxError for an invalid URL or subprotocol */
  start(address: string | URL, protocols: readonly unknown[]): void {
    const destination = destinationOf(address);
    this.#owner.onUrl(destination.url.href);
    this.#protocols = checkedProtocols(protocols);
    this.#ask(destination);
  }

  /** Aborts the handshake; the owner is notified in a later turn. */
  abort(message: string): void {
    if (this.#isOver) return;
    const request = this.request!;
    this.#end();
    request.destroy();
    // Destroying a completed request does not destroy its socket.
    request.socket?.destroy();
    const error = new Error(message);
    process.nextTick(() => this.#owner.onFailed(error));
  }

  #end(): void {
    this.#isOver = true;
    this.request = null;
    this.#owner.onAborted();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#owner.onFailed(error);
  }

  #ask(destination: Destination): void {
    const { perMessageDeflate: choice, maxPayload, followRedirects } = this.options;
    const deflate = choice ? deflateOf(choice, maxPayload) : undefined;
    const key = freshHandshakeKey();
    const asked: Asked = { key, protocols: this.#protocols, deflate };
    const request = this.#request(destination, asked);
    this.request = request;
    this.#first ??= destination;
    if (this.#redirects > 0) this.#emitter.emit("redirect", destination.url.href, request);
    request.on("timeout", () => this.abort("Opening handshake has timed out"));
    request.on("error", (error) => {
      if (this.request === request) this.#fail(error);
    });
    request.on("response", (response) => {
      const { location } = response.headers;
      const { statusCode = 0 } = response;
      const isRedirect = statusCode >= 300 && statusCode < 400 && location !== undefined;
      if (followRedirects && isRedirect) this.#redirect(request, destination, location);
      else this.#refused(request, response);
    });
    request.on("upgrade", (response, socket, head) => {
      this.#emitter.emit("upgrade", response);
      // A listener may have aborted the handshake.
      if (this.#isOver) return;
      this.#answered(response, { socket, head, asked });
    });
    const { finishRequest } = this.options;
    if (finishRequest) finishRequest(request, this.#emitter as never);
    else request.end();
  }

  #answered(
    response: IncomingMessage,
    { socket, head, asked }: { socket: Duplex; head: Buffer; asked: Asked },
  ): void {
    try {
      const agreed = checkAnswer(response, asked);
      this.#isOver = true;
      this.request = null;
      this.#owner.onOpened({ socket, head, ...agreed });
    } catch (error) {
      this.#end();
      socket.on("error", () => {});
      socket.once("close", () => this.#owner.onFailed(error as Error));
      socket.destroy();
    }
  }

  #refused(request: ClientRequest, response: IncomingMessage): void {
    if (this.#emitter.emit("unexpected-response", request, response)) return;
    this.abort(`Unexpected server response: ${response.statusCode}`);
  }

  #redirect(request: ClientRequest, from: Destination, location: string): void {
    this.#redirects += 1;
    if (this.#redirects > this.options.maxRedirects) {
      return this.abort("Maximum redirects exceeded");
    }
    this.request = null;
    request.destroy();
    try {
      const to = destinationOf(locationOf(location, from));
      this.#owner.onUrl(to.url.href);
      this.#ask(to);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #request(destination: Destination, asked: Asked): ClientRequest {
    const { host, port, path, socketPath, isSecure } = destination;
    const { options } = this;
    const requestOptions = {
      ...options,
      method: "GET",
      host,
      port,
      path,
      socketPath,
      hostname: undefined,
      protocol: undefined,
      timeout: options.handshakeTimeout,
      defaultPort: options.defaultPort ?? (isSecure ? 443 : 80),
      createConnection: options.createConnection ?? (isSecure ? overTls : overTcp),
      ...this.#credentials(destination, asked),
    };
    return (isSecure ? requestHttps : requestHttp)(requestOptions as RequestOptions);
  }

  /** Returns the headers, and decides which credentials each server may see. */
  #credentials(
    destination: Destination,
    asked: Asked,
  ): { headers: OutgoingHttpHeaders; auth: string | null | undefined } {
    const { options } = this;
    const own = userInfoOf(destination.url) ?? options.auth;
    if (!options.followRedirects) return { headers: this.#fields(this.#headers, asked), auth: own };
    const first = this.#first;
    if (first === undefined) {
      this.#headers = lowerCased(this.#headers);
    } else if (this.#emitter.listenerCount("redirect") === 0) {
      const isSame = isSameHost(first, destination);
      if (!isSame || (first.isSecure && !destination.isSecure)) {
        const { authorization: _, cookie: __, host, ...shown } = this.#headers;
        if (isSame && host !== undefined) shown.host = host;
        return { headers: this.#fields(shown, asked), auth: undefined };
      }
    }
    // The credentials of the first URL are used for all redirects, as in curl.
    if (own && this.#headers.authorization === undefined) {
      this.#headers.authorization = `Basic ${Buffer.from(own).toString("base64")}`;
    }
    return { headers: this.#fields(this.#headers, asked), auth: own };
  }

  #fields(headers: OutgoingHttpHeaders, { key, deflate }: Asked): OutgoingHttpHeaders {
    const { protocolVersion, origin } = this.options;
    const offer = deflate && format({ [PerMessageDeflate.extensionName]: { ...deflate.offer() } });
    return {
      ...headers,
      "Sec-WebSocket-Version": protocolVersion,
      "Sec-WebSocket-Key": key,
      Connection: "Upgrade",
      Upgrade: "websocket",
      ...(offer && { "Sec-WebSocket-Extensions": offer }),
      ...(this.#protocols.size > 0 && {
        "Sec-WebSocket-Protocol": [...this.#protocols].join(","),
      }),
      ...(origin && {
        [protocolVersion < 13 ? "Sec-WebSocket-Origin" : "Origin"]: origin,
      }),
    };
  }
}

function deflateOf(
  choice: NonNullable<ClientOptions["perMessageDeflate"]>,
  maxPayload: number | undefined,
): PerMessageDeflate {
  const owner = typeof choice === "object" ? choice : undefined;
  return new PerMessageDeflate({ ...owner, isServer: false, maxPayload }, owner);
}

function checkedProtocols(protocols: readonly unknown[]): ReadonlySet<string> {
  const checked = new Set<string>();
  for (const protocol of protocols) {
    if (typeof protocol !== "string" || !isToken(protocol) || checked.has(protocol)) {
      throw new SyntaxError("An invalid or duplicated subprotocol was specified");
    }
    checked.add(protocol);
  }
  return checked;
}

function locationOf(location: string, { url }: Destination): URL {
  try {
    return new URL(location, url);
  } catch {
    throw new SyntaxError(`Invalid URL: ${location}`);
  }
}

function lowerCased(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function userInfoOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  return `${decoded(username)}:${decoded(password)}`;
}

/** Text with invalid percent-encoding is used unchanged. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function overTcp(options: NetConnectOpts & { socketPath?: string }): Duplex {
  return connectTcp({ ...options, path: options.socketPath } as NetConnectOpts);
}

/** An IP address must not be sent as the server name. (RFC 6066 §3) */
function overTls(options: TlsOptions): Duplex {
  const { servername, host = "" } = options;
  const name = servername || servername === "" ? servername : isIP(host) > 0 ? "" : host;
  return connectTls({ ...options, path: undefined, servername: name } as TlsOptions);
}
