import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";
import {
  WebSocket,
  WebSocketServer,
  type ClientOptions,
  type ServerOptions,
} from "./implementation.ts";

/** Returns the arguments of an emitter's next event of this name. */
export function next(emitter: EventEmitter, event: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    emitter.once(event, (...given: unknown[]) => resolve(given));
  });
}

/** Starts a server on a free port. */
export async function listen(
  options: ServerOptions = {},
): Promise<{ wss: WebSocketServer; port: number; url: string }> {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  endWithTest(wss);
  await next(wss, "listening");
  const { port } = wss.address() as AddressInfo;
  return { wss, port, url: `ws://127.0.0.1:${port}` };
}

export function endWithTest(wss: WebSocketServer): void {
  onTestFinished(() => {
    for (const client of wss.clients ?? []) client.terminate();
    wss.close();
  });
}

/** Opens a client whose errors are handled, and that ends with the test. */
export function connect(
  url: string | URL,
  protocols?: string | string[] | ClientOptions,
  options?: ClientOptions,
): WebSocket {
  const client = new WebSocket(url, protocols, options);
  keep(client);
  return client;
}

/** Ignores errors, and terminates the socket at the end of the test. */
export function keep(socket: WebSocket): WebSocket {
  socket.on("error", () => {});
  onTestFinished(() => socket.terminate());
  return socket;
}

export interface Pair {
  client: WebSocket;
  /** The server's socket. */
  peer: WebSocket;
  request: IncomingMessage;
  wss: WebSocketServer;
  url: string;
}

/** Returns a client and a server's socket, both open. */
export async function openPair(
  serverOptions: ServerOptions = {},
  clientOptions: ClientOptions = {},
): Promise<Pair> {
  const { wss, url } = await listen(serverOptions);
  const connection = next(wss, "connection") as Promise<[WebSocket, IncomingMessage]>;
  const client = connect(url, clientOptions);
  const opened = next(client, "open");
  const [peer, request] = await connection;
  keep(peer);
  await opened;
  return { client, peer, request, wss, url };
}

/** Returns the stream of an open socket. */
export function streamOf(socket: WebSocket): Socket {
  return socket._socket as Socket;
}

/** How a socket closed. */
export interface Closed {
  code: number;
  reason: string;
  readyState: number;
}

export async function closed(socket: WebSocket): Promise<Closed> {
  return new Promise((resolve) => {
    socket.once("close", (code: number, reason: Buffer) =>
      resolve({ code, reason: reason.toString(), readyState: socket.readyState }),
    );
  });
}

export async function failed(socket: EventEmitter): Promise<Error & { code?: string }> {
  const [error] = await next(socket, "error");
  return error as Error & { code?: string };
}

/** Returns the next message, as text or bytes. */
export async function message(socket: WebSocket): Promise<{ data: unknown; isBinary: boolean }> {
  const [data, isBinary] = await next(socket, "message");
  return { data, isBinary: isBinary as boolean };
}

/** Returns the text of the next message. */
export async function text(socket: WebSocket): Promise<string> {
  const { data } = await message(socket);
  return String(data);
}

const NAMES = ["upgrade", "open", "message", "ping", "pong", "error", "close"];

/** Records a socket's events, one line each, until it has closed. */
export class Log {
  readonly lines: string[] = [];
  /** The state at each event. */
  readonly states: number[] = [];
  readonly closed: Promise<string[]>;

  constructor(socket: WebSocket) {
    for (const name of NAMES) {
      socket.on(name, (...given: unknown[]) => {
        this.lines.push(lineOf(name, given));
        this.states.push(socket.readyState);
      });
    }
    this.closed = next(socket, "close").then(() => this.lines);
  }
}

function lineOf(name: string, [first, second]: unknown[]): string {
  switch (name) {
    case "message":
      return `${second === true ? "binary" : "text"} ${String(first)}`;
    case "close":
      return `close ${String(first)} ${String(second)}`.trimEnd();
    case "ping":
    case "pong":
      return `${name} ${String(first)}`.trimEnd();
    case "error":
      return `error ${(first as Error).message}`;
    default:
      return name;
  }
}

/** Calls `send` with a callback, and resolves with its argument. */
export function told(send: (callback: (error?: Error | null) => void) => void): Promise<unknown> {
  return new Promise((resolve) => send((error) => resolve(error ?? "written")));
}

/** Waits for some turns of the event loop, so that pending events arrive. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Resolves once `isMet` holds; checked in every turn of the event loop. */
export async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await turns(1);
}

/** Returns the next uncaught exception, and handles it. */
export function nextUncaught(): Promise<Error> {
  const event = "uncaughtException";
  const others = process.listeners(event);
  process.removeAllListeners(event);
  const putBack = (): void => {
    process.removeAllListeners(event);
    for (const other of others) process.on(event, other);
  };
  onTestFinished(putBack);
  return new Promise((resolve) => {
    process.once(event, (error) => {
      putBack();
      resolve(error);
    });
  });
}
