import { type ClientHttp2Session } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { onTestFinished } from "vitest";
import type { Endpoint, WebSocketServerOptions } from "../../../src/server/index.ts";
import { readFrames, type WireFrame } from "../protocol/read-frames.ts";
import { handshake } from "./raw-client.ts";
import { openSession, testTls } from "./http2-session.ts";
import { runServer, type RunningServer } from "./run-server.ts";

/** The transport of a WebSocket to a server. */
export type Transport = "TCP" | "TLS" | "HTTP/2";

export const transports: Transport[] = ["TCP", "TLS", "HTTP/2"];

/** Starts a server whose peers connect over `transport`. */
export function runOver(
  transport: Transport,
  endpoint: Endpoint,
  options: WebSocketServerOptions = {},
): Promise<RunningServer> {
  return runServer(endpoint, transport === "TCP" ? options : { ...options, ...overTls() });
}

const overTls = (): { listen: { tls: ReturnType<typeof testTls> } } => ({
  listen: { tls: testTls() },
});

/** Opens a TCP connection to `port`, or a TLS connection for HTTP/1.1; ignores errors. */
export async function openSocket(port: number, transport: Transport = "TCP"): Promise<Socket> {
  const to = { port, host: "127.0.0.1" };
  const socket =
    transport === "TCP"
      ? connectTcp(to)
      : connectTls({ ...to, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  const opened = transport === "TCP" ? "connect" : "secureConnect";
  await new Promise((resolve) => socket.once(opened, resolve));
  return socket;
}

/** Returns everything that arrives until the other end closes. */
export function readToEnd(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
    stream.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

/** A client after its handshake that writes arbitrary bytes, over any transport. */
export class WirePeer {
  readonly stream: Duplex;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #isClosed = false;

  private constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#chunks.push(chunk);
      this.#wake();
    });
    const close = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    // A client's HTTP/2 stream with unsent data ends but never closes.
    stream.on("end", close);
    stream.on("close", close);
  }

  /** @param headers additional headers, names in lower case */
  static async open(
    transport: Transport,
    { port, httpUrl }: RunningServer,
    headers: Record<string, string> = {},
  ): Promise<WirePeer> {
    if (transport === "HTTP/2") return overHttp2(await openSession(httpUrl), headers);
    const socket = await openSocket(port, transport);
    socket.write(handshake("/", headers));
    const peer = new WirePeer(socket);
    await peer.until(() => peer.#isClosed || peer.received.includes("\r\n\r\n"));
    peer.#skipHead();
    return peer;
  }

  static of(stream: Duplex): WirePeer {
    return new WirePeer(stream);
  }

  write(bytes: string | Uint8Array): void {
    this.stream.write(bytes);
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get receivedBytes(): number {
    return this.#bytes;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get frames(): WireFrame[] {
    return readFrames(new Uint8Array(this.received));
  }

  /** The code of the last Close frame. */
  get closeCode(): number {
    const { opcode, payload } = this.frames.at(-1)!;
    return opcode === 8 ? Buffer.from(payload).readUInt16BE(0) : -1;
  }

  /** Resolves with the frames once there are `count`, or at the end. */
  async framesWhen(count: number): Promise<WireFrame[]> {
    const countFrames = (): number => {
      try {
        return this.frames.length;
      } catch {
        return 0;
      }
    };
    await this.until(() => this.#isClosed || countFrames() >= count);
    return this.frames;
  }

  async closed(): Promise<void> {
    await this.until(() => this.#isClosed);
  }

  /** Resolves once `isMet` holds; checked whenever data arrives. */
  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #skipHead(): void {
    const behind = this.received.indexOf("\r\n\r\n") + 4;
    const rest = this.received.subarray(behind);
    this.#bytes = rest.length;
    this.#chunks.splice(0, this.#chunks.length, rest);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

async function overHttp2(
  session: ClientHttp2Session,
  headers: Record<string, string>,
): Promise<WirePeer> {
  const stream = session.request({ ...CONNECT, ...headers }, { endStream: false });
  const peer = WirePeer.of(stream);
  await new Promise((resolve) => {
    stream.once("response", resolve);
    stream.once("close", resolve);
  });
  return peer;
}

/** The head of an extended CONNECT. */
export const CONNECT: Readonly<Record<string, string>> = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "https",
  ":path": "/",
  "sec-websocket-version": "13",
};
