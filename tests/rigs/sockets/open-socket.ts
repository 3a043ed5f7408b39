import { once } from "node:events";
import { WebSocket, type ClientOptions } from "ws";

/** A client of the package `ws`, so that both ends cannot have the same mistake. */
export class OpenSocket {
  readonly socket: WebSocket;
  readonly messages: { data: string; isBinary: boolean }[] = [];
  readonly closed: Promise<number>;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      this.messages.push({ data: data.toString(isBinary ? "hex" : "utf8"), isBinary });
    });
    this.closed = new Promise((resolve) => socket.once("close", resolve));
  }

  /** @throws what `ws` says when the handshake fails, as a rejection */
  static async open(
    url: string,
    options: ClientOptions & { protocols?: string[] } = {},
  ): Promise<OpenSocket> {
    const { protocols = [], ...rest } = options;
    const socket = new WebSocket(url, protocols, rest);
    const opened = new OpenSocket(socket);
    await once(socket, "open");
    return opened;
  }

  sendJson(value: unknown): void {
    this.socket.send(JSON.stringify(value));
  }

  /** All messages so far, as JSON. */
  get json(): Record<string, unknown>[] {
    return this.messages.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
  }
}
