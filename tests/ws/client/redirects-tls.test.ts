import { readFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { WebSocketServer, type ClientOptions } from "../../rigs/ws/implementation.ts";
import { connect, endWithTest, keep, next } from "../../rigs/ws/rig.ts";

type Fields = Record<string, string | undefined>;

/** A port that accepts TLS and plain connections, and redirects TLS to plain. */
async function twofold(): Promise<{ port: number; shown: Promise<Fields> }> {
  const { cert, key } = makeCertificate();
  const plain = createHttp();
  const secure = createHttps({ cert: readFileSync(cert), key: readFileSync(key) });
  const server = createServer((socket) => {
    socket.once("data", (first) => give(socket, first, first[0] === 0x16 ? secure : plain));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  secure.on("upgrade", (_request: IncomingMessage, socket: Duplex) => {
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`);
  });
  const wss = new WebSocketServer({ server: plain });
  endWithTest(wss);
  const shown = new Promise<Fields>((resolve) => {
    wss.on("connection", (peer, request) => {
      keep(peer);
      resolve(request.headers as Fields);
    });
  });
  return { port, shown };
}

/** Passes a connection to a server that does not listen itself. */
function give(socket: Socket, first: Buffer, server: Server): void {
  socket.pause();
  socket.unshift(first);
  server.emit("connection", socket);
  process.nextTick(() => socket.resume());
}

async function shownWith(options: ClientOptions, isHeard: boolean): Promise<Fields> {
  const { port, shown } = await twofold();
  const own = { followRedirects: true, rejectUnauthorized: false };
  const client = connect(`wss://127.0.0.1:${port}`, { ...own, ...options });
  if (isHeard) client.on("redirect", () => {});
  await next(client, "open");
  return shown;
}

describe("a redirect from TLS to the same host without TLS", () => {
  const headers = { authorization: "Basic Zm9v", cookie: "a=b", host: "foo" };

  test("drops credentials, and keeps the host", async () => {
    const fields = await shownWith({ headers }, false);
    expect(fields["host"]).toBe("foo");
    expect(fields["authorization"]).toBeUndefined();
    expect(fields["cookie"]).toBeUndefined();
  });

  test("drops the option auth", async () => {
    expect((await shownWith({ auth: "a:b" }, false))["authorization"]).toBeUndefined();
  });

  test("keeps everything if there is a listener", async () => {
    expect(await shownWith({ headers }, true)).toMatchObject(headers);
    expect((await shownWith({ auth: "a:b" }, true))["authorization"]).toBe("Basic YTpi");
  });
});
