import { createHash } from "node:crypto";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { readFrames, type WireFrame } from "../protocol/read-frames.ts";

/** Returns the response to a valid handshake; `more` are complete lines. */
export const goodAnswer = (accept: string, more = ""): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;

/** Returns a raw server's response for the given accept value; `undefined` for none. */
export type Answer = (
  accept: string,
  request: string,
  peer: RawPeer,
) => string | Uint8Array | undefined;

/** The server's end of a client's connection, operated by the test. */
export class RawPeer {
  readonly socket: Socket;
  /** The handshake as received. */
  request = "";
  /** All bytes after the handshake. */
  received: Buffer = Buffer.alloc(0);
  hasEnded = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket, answer: Answer) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk) => this.#receive(chunk, answer));
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.hasEnded = true;
        this.#wake();
      });
    }
  }

  /** The complete frames received so far. */
  get frames(): WireFrame[] {
    for (let end = this.received.length; end > 0; end -= 1) {
      try {
        return readFrames(new Uint8Array(this.received.subarray(0, end)));
      } catch {
        // The last frame is incomplete.
      }
    }
    return [];
  }

  async framesWhen(count: number): Promise<WireFrame[]> {
    while (this.frames.length < count && !this.hasEnded) await this.#more();
    return this.frames;
  }

  /** Resolves once the client has sent its last byte. */
  async ended(): Promise<void> {
    while (!this.hasEnded) await this.#more();
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  #receive(chunk: Buffer, answer: Answer): void {
    if (this.request.includes("\r\n\r\n")) {
      this.received = Buffer.concat([this.received, chunk]);
    } else {
      this.request += chunk.toString("latin1");
      if (this.request.includes("\r\n\r\n")) {
        const answered = answer(acceptOf(this.request), this.request, this);
        if (answered !== undefined) this.socket.write(answered);
      }
    }
    this.#wake();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** A TCP server that sends this response to each handshake. */
export async function rawServer(answer: Answer = (accept) => goodAnswer(accept)): Promise<{
  url: string;
  port: number;
  peers: RawPeer[];
}> {
  const peers: RawPeer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    peers.push(new RawPeer(socket, answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const { socket } of peers) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}`, port, peers };
}

/** Returns the accept value for a request. (RFC 6455 §4.2.2) */
export function acceptOf(request: string): string {
  const key = /Sec-WebSocket-Key: (\S+)/i.exec(request)?.[1] ?? "";
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Returns the headers of a request or a response, by their names in lower case. */
export function fieldsOf(head: string): Record<string, string> {
  const lines = head.split("\r\n\r\n")[0]!.split("\r\n").slice(1);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
