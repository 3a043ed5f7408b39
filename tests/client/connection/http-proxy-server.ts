import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";

export interface RunningProxy {
  /** Without user name and password. */
  url: string;
  port: number;
  /** The request heads, in order. */
  requests: string[];
}

/**
 * Starts an HTTP proxy that resolves every name to this machine. (RFC 9110 §9.3.6)
 *
 * @param answer a response to send instead of opening a tunnel
 */
export async function runHttpProxy(
  options: { tls?: { cert: string; key: string }; answer?: (request: string) => string } = {},
): Promise<RunningProxy> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    let request = "";
    const onData = (chunk: Buffer): void => {
      request += chunk.toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      socket.off("data", onData);
      requests.push(request);
      if (options.answer !== undefined) return void socket.write(options.answer(request), "latin1");
      const port = Number(/^CONNECT \S+:(\d+) HTTP\/1\.1\r\n/.exec(request)?.[1]);
      sockets.add(joinTo(socket, port, "HTTP/1.1 200 Connection established\r\n\r\n"));
    };
    socket.on("data", onData);
  };
  const { tls } = options;
  const server = tls
    ? createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, onSocket)
    : createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? "https" : "http"}://127.0.0.1:${port}`, port, requests };
}

/** Sends `greeting` once the port is reached, and forwards bytes from then on. */
export function joinTo(socket: Socket, port: number, greeting: string | Uint8Array): Socket {
  const onward = connect(port, "127.0.0.1", () => {
    socket.write(greeting);
    socket.pipe(onward).pipe(socket);
  });
  onward.on("error", () => socket.destroy());
  return onward;
}
