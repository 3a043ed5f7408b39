import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import { goodAnswer } from "./fake-server.ts";

/** A handshake that waits for the test's response. */
export interface HeldHandshake {
  /** The head of the request as received. */
  request: string;
  /** The server name that the client requested in TLS, if any. */
  servername: string | false | undefined;
  alpn: string | false | null | undefined;
  socket: Socket;
  answer(text: string): void;
  /** @param behind bytes to send in the same packet as the response */
  accept(behind?: Uint8Array): void;
}

/** A server whose handshakes the test answers one by one. */
export class HeldServer {
  readonly port: number;
  /** The number of connections so far. */
  connections = 0;
  readonly #came: HeldHandshake[] = [];
  readonly #waiting: ((handshake: HeldHandshake) => void)[] = [];

  private constructor(port: number) {
    this.port = port;
  }

  static async start(tls?: { cert: string; key: string }): Promise<HeldServer> {
    const sockets = new Set<Socket>();
    const onSocket = (socket: Socket): void => {
      sockets.add(socket);
      held.#take(socket);
    };
    const server = tls
      ? createTlsServer(
          { cert: readFileSync(tls.cert), key: readFileSync(tls.key), ALPNProtocols: ["http/1.1"] },
          onSocket,
        )
      : createServer(onSocket);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const held = new HeldServer((server.address() as AddressInfo).port);
    return held;
  }

  /** Returns the next handshake, in the order of arrival. */
  next(): Promise<HeldHandshake> {
    const came = this.#came.shift();
    if (came !== undefined) return Promise.resolve(came);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #take(socket: Socket): void {
    this.connections += 1;
    let request = "";
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      if (request.includes("\r\n\r\n")) return;
      request += chunk.toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      const secured = socket instanceof TLSSocket ? socket : undefined;
      const handshake: HeldHandshake = {
        request,
        servername: (secured as { servername?: string | false } | undefined)?.servername,
        alpn: secured?.alpnProtocol,
        socket,
        answer: (text) => socket.write(text, "latin1"),
        accept: (behind = new Uint8Array()) =>
          socket.write(Buffer.concat([Buffer.from(goodAnswer(acceptOf(request))), behind])),
      };
      const next = this.#waiting.shift();
      if (next === undefined) this.#came.push(handshake);
      else next(handshake);
    });
  }
}

/** Returns the values of all headers with this name. */
export function headersNamed(request: string, name: string): string[] {
  const start = `${name.toLowerCase()}: `;
  return request
    .split("\r\n")
    .filter((line) => line.toLowerCase().startsWith(start))
    .map((line) => line.slice(start.length));
}

function acceptOf(request: string): string {
  const key = headersNamed(request, "Sec-WebSocket-Key")[0] ?? "";
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}
