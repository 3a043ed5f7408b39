import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import { LongwireError } from "../base/index.ts";
import {
  checkAcceptance,
  formatOpening,
  freshHandshakeKey,
  HandshakeError,
  ResponseHeadReader,
  type Agreement,
  type HandshakeLimits,
  type HeaderFields,
} from "../protocol/index.ts";
import { sha1Base64 } from "./sha1.ts";

export interface OpenOptions {
  /** `ws:` or `wss:`, without a fragment. */
  url: URL;
  protocols: readonly string[];
  /** Further header lines, checked by the caller. */
  headers: HeaderFields;
  tls: TlsOptions | undefined;
  /** A Unix socket to connect to instead of the URL's host. */
  socketPath: string | undefined;
  limits: HandshakeLimits;
  handshakeTimeoutMs: number;
}

/** What an attempt to open comes to; exactly one of the two is called, once. */
export interface OpenHandler {
  /** @param head bytes that came behind the server's answer */
  onOpened(socket: Socket, agreement: Agreement, head: Uint8Array): void;
  onFailed(error: LongwireError): void;
}

/** An attempt that can be given up; its handler hears nothing more then. */
export interface Attempt {
  abandon(): void;
}

/** Connects, sends the opening handshake, and checks the answer. (RFC 6455 §4.1) */
export function openClientConnection(options: OpenOptions, handler: OpenHandler): Attempt {
  const key = freshHandshakeKey();
  const reader = new ResponseHeadReader(options.limits);
  const socket = connectSocket(options);
  const timeout = setTimeout(() => fail(timedOut(options)), options.handshakeTimeoutMs);

  const settle = (): void => {
    clearTimeout(timeout);
    for (const [name, listener] of Object.entries(listeners)) socket.off(name, listener);
    // A destroyed socket may still report an error, which must not end the process.
    socket.on("error", ignore);
  };
  const fail = (error: LongwireError): void => {
    settle();
    socket.destroy();
    handler.onFailed(error);
  };
  const sendOpening = (): void => {
    socket.setNoDelay(true);
    socket.write(formatOpening({ ...requestLine(options), key }), "latin1");
  };
  const listeners = {
    [options.url.protocol === "wss:" ? "secureConnect" : "connect"]: sendOpening,
    data: (chunk: Buffer): void => {
      const progress = reader.receive(chunk);
      if (progress.kind === "incomplete") return;
      if (progress.kind === "failed") return fail(progress.error);
      const expected = { key, sha1: sha1Base64, protocols: options.protocols };
      const agreement = checkAcceptance(progress.head, expected);
      if (agreement instanceof HandshakeError) return fail(agreement);
      settle();
      socket.off("error", ignore);
      socket.pause();
      handler.onOpened(socket, agreement, progress.rest);
    },
    end: (): void => fail(endedEarly(options)),
    close: (): void => fail(endedEarly(options)),
    error: (error: Error): void => fail(unreachable(options, error)),
  };
  for (const [name, listener] of Object.entries(listeners)) socket.on(name, listener);

  return {
    abandon: () => {
      settle();
      socket.destroy();
    },
  };
}

function ignore(): void {}

function connectSocket({ url, tls, socketPath }: OpenOptions): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const secure = url.protocol === "wss:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const address = socketPath === undefined ? { host, port } : { path: socketPath };
  if (!secure) return connectTcp(address);
  // An address is not a name that a server could be asked for. (RFC 6066 §3)
  const isAddress = /^[\d.]+$/.test(host) || host.includes(":");
  const servername = isAddress ? {} : { servername: host };
  return connectTls({ ...servername, ALPNProtocols: ["http/1.1"], ...tls, ...address });
}

function requestLine({ url, protocols, headers }: OpenOptions): {
  target: string;
  host: string;
  protocols: readonly string[];
  headers: HeaderFields;
} {
  return { target: url.pathname + url.search, host: url.host, protocols, headers };
}

function timedOut({ url, handshakeTimeoutMs }: OpenOptions): LongwireError {
  const message = `${url.host} did not finish the handshake within ${handshakeTimeoutMs} ms; check that it speaks WebSocket or raise handshakeTimeoutMs.`;
  return new HandshakeError("handshake_timeout", message);
}

function endedEarly({ url }: OpenOptions): LongwireError {
  const message = `${url.host} closed the connection before it answered the handshake; check that it speaks WebSocket.`;
  return new HandshakeError("handshake_cut", message);
}

function unreachable({ url, socketPath }: OpenOptions, cause: Error): LongwireError {
  // Node gathers the errors of several addresses in one without a text of its own.
  const reason = cause.message || ((cause as NodeJS.ErrnoException).code ?? "unknown reason");
  const message = `${socketPath ?? url.host} cannot be reached (${reason}); check the address and that a server listens there.`;
  return new LongwireError("unreachable", message, { cause });
}
