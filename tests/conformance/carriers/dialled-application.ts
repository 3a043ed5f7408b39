import { openWebSocket, type ClientOptions, type WebSocket } from "../../../src/client/index.ts";
import type { Application, Closed, EndSettings, Message } from "./carrier.ts";

/** Longwire's client, which echoes every message. */
class DialledApplication implements Application {
  readonly messages: Message[] = [];
  readonly closed: Promise<Closed>;
  /** Resolves when the handshake is over, whatever its result. */
  readonly settled: Promise<void>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      this.messages.push(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
      socket.send(data as string | ArrayBuffer);
    };
    this.settled = new Promise((resolve) => {
      socket.onopen = () => resolve();
      socket.addEventListener("close", () => resolve());
    });
    this.closed = new Promise((resolve) => {
      let error: string | undefined;
      socket.onerror = (event) => (error = (event as { error?: { code?: string } }).error?.code);
      socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean, error });
    });
  }

  send(message: Message): void {
    this.#socket.send(message);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }
}

export function dial(
  url: string,
  settings: EndSettings,
  options: ClientOptions = {},
): DialledApplication {
  return new DialledApplication(openWebSocket(url, { ...settings, ...options }));
}
