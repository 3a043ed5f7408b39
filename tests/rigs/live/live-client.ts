import { once } from "node:events";
import { WebSocket } from "ws";
import { openWebSocket } from "../../../src/client/index.ts";

export type Message = Record<string, any>;

/** A client of any kind, with its messages in order and how its connection ended. */
export class LiveClient {
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly opened: Promise<void>;
  readonly #texts: string[] = [];
  #wanting: (() => void) | undefined;
  readonly #socket: Sendable;
  #isClosed = false;

  constructor(socket: Sendable) {
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("the connection failed")));
    });
    this.opened.catch(() => {});
    socket.addEventListener("message", (event) => {
      this.#texts.push(event.data as string);
      this.#wanting?.();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", (event) => {
        this.#isClosed = true;
        this.#wanting?.();
        resolve({ code: event.code as number, reason: event.reason as string });
      });
    });
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  sendBinary(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  close(): void {
    this.#socket.close();
  }

  /** The next text; fails when the connection ends first. */
  async nextText(): Promise<string> {
    while (this.#texts.length === 0) {
      if (this.#isClosed) throw new Error("the connection ended and no message had come");
      await new Promise<void>((resolve) => (this.#wanting = resolve));
    }
    return this.#texts.shift()!;
  }

  async next(): Promise<Message> {
    return JSON.parse(await this.nextText()) as Message;
  }

  async take(count: number): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  /** All messages up to the first one of `type`, and that one. */
  async upTo(type: string): Promise<Message[]> {
    const messages = [await this.next()];
    while (messages.at(-1)!.type !== type) messages.push(await this.next());
    return messages;
  }

  /** Resolves when the server has read all that was sent so far; with `ws` only. */
  async barrier(): Promise<void> {
    const socket = this.#socket as unknown as WebSocket;
    socket.ping();
    await once(socket, "pong");
  }

  /** Returns the messages that arrive before the answer to a ping; at Level 1. */
  async soFar(): Promise<Message[]> {
    this.send({ type: "ping" });
    return (await this.upTo("pong")).slice(0, -1);
  }

  /** Sends a request and returns its answer; what came before it is dropped. */
  async ask(request: Message): Promise<Message> {
    this.send(request);
    for (;;) {
      const message = await this.next();
      if (message.id === request.id) return message;
    }
  }
}

interface Sendable {
  send(message: string | Uint8Array): void;
  close(): void;
  addEventListener(type: string, listener: (event: Record<string, unknown>) => void): void;
}

/** The two clients that sessions are tested with: Longwire's and the package `ws`. */
export const clientKinds = {
  ws: (url: string, protocols: string[] = []): LiveClient =>
    new LiveClient(new WebSocket(url, protocols) as unknown as Sendable),
  openWebSocket: (url: string, protocols: string[] = []): LiveClient =>
    new LiveClient(openWebSocket(url, { protocols })),
};

export const LEVEL_1 = ["longwire.v1"];
