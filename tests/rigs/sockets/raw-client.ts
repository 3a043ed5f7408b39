import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { readFrames, type WireFrame } from "../protocol/read-frames.ts";

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The header lines of a good handshake; a test replaces or removes some. */
export const GOOD_HEADERS: Readonly<Record<string, string>> = {
  Host: "localhost",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

/** Writes a handshake; a header that is `undefined` is left out. */
export function handshake(
  path = "/",
  headers: Readonly<Record<string, string | undefined>> = {},
  startLine = `GET ${path} HTTP/1.1`,
): string {
  const lines = Object.entries({ ...GOOD_HEADERS, ...headers })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${startLine}\r\n${lines.join("")}\r\n`;
}

/** A TCP connection that a test writes any bytes to. */
export class RawClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
    onTestFinished(() => void socket.destroy());
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1" });
    const client = new RawClient(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    return client;
  }

  /** Opens a connection and does a good handshake. */
  static async upgrade(
    port: number,
    path = "/",
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.write(handshake(path, headers));
    const head = await client.head();
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`The server said: ${head}`);
    return client;
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Resolves with the answer's head once all of it came, or with all there is at the end. */
  async head(): Promise<string> {
    await this.#until(() => this.#ended || this.received.includes("\r\n\r\n"));
    return this.received.toString("latin1").split("\r\n\r\n")[0]!;
  }

  /** Resolves with everything once the server has ended the connection. */
  async all(): Promise<string> {
    await this.ended();
    return this.received.toString("latin1");
  }

  async ended(): Promise<void> {
    await this.#until(() => this.#ended);
  }

  /** The whole frames that came behind the handshake. */
  get frames(): WireFrame[] {
    const start = this.received.indexOf("\r\n\r\n") + 4;
    return readFrames(new Uint8Array(this.received.subarray(start)));
  }

  async framesWhen(count: number): Promise<WireFrame[]> {
    const countFrames = (): number => {
      try {
        return this.frames.length;
      } catch {
        return 0;
      }
    };
    await this.#until(() => this.#ended || countFrames() >= count);
    return this.frames;
  }

  async #until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
