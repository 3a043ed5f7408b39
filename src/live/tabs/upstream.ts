import type { ClientSocket } from "../client/index.ts";

/** The part of a Level 1 message that the hub reads. */
export interface Message {
  readonly type: string;
  readonly id?: unknown;
  readonly topic?: string;
  readonly [field: string]: unknown;
}

/** Receives the events of an upstream connection. */
export interface UpstreamOwner {
  /** The message with the tabs' credentials: the first `hello`, updated by each refresh. */
  readonly hello: string | undefined;
  onOpen(): void;
  onMessage(upstream: Upstream, message: Message, text: string): void;
  onClosed(upstream: Upstream, code: number, reason: string): void;
}

/** A connection to the server that tabs share. */
export class Upstream {
  /** When the last message arrived, or the connection was started; maintained by the hub. */
  receivedAt = 0;
  /** When an unanswered ping was sent; maintained by the hub. */
  probedAt: number | undefined;
  readonly #socket: ClientSocket;
  readonly #owner: UpstreamOwner;
  /** Messages that wait for the server's welcome. */
  #waiting: string[] | undefined = [];
  #isOpen = false;
  #hasSaidHello = false;

  constructor(socket: ClientSocket, owner: UpstreamOwner) {
    this.#socket = socket;
    this.#owner = owner;
    socket.onopen = () => this.#onOpen();
    socket.onmessage = ({ data }: { data: unknown }) => this.#onText(String(data));
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      owner.onClosed(this, code, reason);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Sends the credentials once, when they are known and the connection is open. */
  sendHello(): void {
    const { hello } = this.#owner;
    if (hello === undefined || this.#hasSaidHello || !this.#isOpen) return;
    this.#hasSaidHello = true;
    this.#socket.send(hello);
  }

  /** Sends once the server has sent its welcome. */
  send(message: object): void {
    const text = JSON.stringify(message);
    if (this.#waiting === undefined) this.#socket.send(text);
    else this.#waiting.push(text);
  }

  close(): void {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.sendHello();
    this.#owner.onOpen();
  }

  #onText(text: string): void {
    const message = parsed(text);
    // An invalid message ends the connection, as it would without sharing.
    if (message === undefined) {
      this.close();
      return this.#owner.onClosed(this, 1006, "");
    }
    this.#owner.onMessage(this, message, text);
    if (message.type !== "welcome") return;
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const one of waiting) this.#socket.send(one);
  }
}

function parsed(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Message | null;
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
