import { createHash } from "node:crypto";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A server's response to a handshake, given the accept value for its key. */
export type Answer = (accept: string, request: string, socket: Socket) => string | Uint8Array;

export const goodAnswer = (accept: string, more = ""): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;

/** Starts a TCP server that sends this response to each handshake, and returns its URL. */
export async function fakeServer(answer: Answer): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let request = "";
    socket.on("data", (chunk) => {
      if (request.includes("\r\n\r\n")) return;
      request += chunk.toString("latin1");
      if (request.includes("\r\n\r\n")) socket.write(answer(acceptOf(request), request, socket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function acceptOf(request: string): string {
  const key = /Sec-WebSocket-Key: (\S+)/i.exec(request)?.[1] ?? "";
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}
