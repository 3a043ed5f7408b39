import type { IncomingMessage } from "node:http";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { openWebSocket, type ClientOptions, type WebSocket } from "../../../src/client/index.ts";
import { WebSocketServer, type Endpoint, type UpgradeRequest } from "../../../src/server/index.ts";
import { testTls } from "../../rigs/sockets/http2-session.ts";
import { echo, runServer, Witness } from "../../rigs/sockets/run-server.ts";
import { failureOf } from "./failure-of.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

/** The connections of incoming WebSockets: the session for streams, the socket for others. */
class Arrivals {
  readonly streams = new Set<unknown>();
  readonly upgrades = new Set<unknown>();
  readonly endpoint: Endpoint = {
    ...echo,
    protocols: ["x"],
    onOpen: (_, { incoming }: UpgradeRequest) => {
      if ("sentHeaders" in incoming) this.streams.add(incoming.session);
      else this.upgrades.add(incoming.socket);
    },
  };
}

interface Secure {
  url: string;
  options: ClientOptions;
}

async function runSecure(endpoint: Endpoint): Promise<Secure> {
  const tls = testTls();
  const { url } = await runServer(endpoint, { listen: { tls } });
  return { url, options: { http2: true, tls: { ca: tls.cert } } };
}

/** Starts a server that allows this number of streams per connection. */
async function runWithStreams(endpoint: Endpoint, maxConcurrentStreams: number): Promise<Secure> {
  const tls = testTls();
  const settings = { enableConnectProtocol: true, maxConcurrentStreams };
  const http = createSecureServer({ ...tls, allowHTTP1: true, settings });
  const server = new WebSocketServer(endpoint);
  server.attach(http);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await server.close({ timeoutMs: 100 });
    http.close();
  });
  const url = `wss://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return { url, options: { http2: true, tls: { ca: tls.cert } } };
}

async function opened(url: string, options: ClientOptions): Promise<WebSocket> {
  const socket = openWebSocket(url, options);
  await next(socket, "open");
  return socket;
}

async function echoes(socket: WebSocket, text: string): Promise<void> {
  socket.send(text);
  expect((await next(socket, "message")).data).toBe(text);
}

describe("WebSockets over one HTTP/2 connection (RFC 8441)", () => {
  test("opened together, they share it, and each is a separate WebSocket", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runSecure(arrivals.endpoint);
    const sockets = Array.from({ length: 100 }, () =>
      openWebSocket(url, { ...options, protocols: "x" }),
    );
    await Promise.all(sockets.map((socket) => next(socket, "open")));
    expect([arrivals.streams.size, arrivals.upgrades.size]).toEqual([1, 0]);
    await Promise.all(
      sockets.map((socket, index) => echoes(socket, `number ${index} `.repeat(200))),
    );
    expect(sockets[0]!.protocol).toBe("x");
    expect(sockets[0]!.extensions).toMatch(/^permessage-deflate/);
    const closed = sockets.map((socket) => next(socket, "close"));
    for (const socket of sockets) socket.close(3000, "bye");
    for (const { code, reason, wasClean } of await Promise.all(closed)) {
      expect([code, reason, wasClean]).toEqual([3000, "bye", true]);
    }
  });

  test("long messages pass in both directions, through the stream's window", async () => {
    const { url, options } = await runSecure(echo);
    const socket = await opened(url, { ...options, compression: false });
    await echoes(socket, "0123456789".repeat(500_000));
    socket.close();
    await next(socket, "close");
  });

  test("request headers, path, query and subprotocols arrive", async () => {
    const seen: unknown[] = [];
    const { url, options } = await runSecure({
      ...echo,
      protocols: ["b"],
      authorize: (request) => {
        seen.push(request.path, request.search, request.protocols);
        seen.push(request.header("X-One"), request.header("authorization"));
      },
    });
    const address = new URL(`${url}/a?b=c`);
    address.username = "user";
    address.password = "pass";
    const socket = await opened(address.href, {
      ...options,
      protocols: ["a", "b"],
      headers: { "X-One": "1" },
    });
    expect(socket.protocol).toBe("b");
    expect(seen).toEqual(["/a", "b=c", ["a", "b"], "1", "Basic dXNlcjpwYXNz"]);
    socket.close();
  });

  test("different TLS options use another connection", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runSecure(arrivals.endpoint);
    const sockets = [
      await opened(url, options),
      await opened(url, { ...options, tls: { ...options.tls } }),
    ];
    expect(arrivals.streams.size).toBe(2);
    for (const socket of sockets) socket.close();
  });

  test("a refusal is reported with its status, and the connection serves the next one", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runSecure({ ...arrivals.endpoint, path: "/here" });
    const first = await opened(`${url}/here`, options);
    const failure = await failureOf(openWebSocket(`${url}/there`, options));
    expect(failure).toMatchObject({ code: "handshake_refused", status: 404 });
    const second = await opened(`${url}/here`, options);
    expect(arrivals.streams.size).toBe(1);
    for (const socket of [first, second]) socket.close();
  });

  test("aborting one while it is connecting does not affect the others", async () => {
    const { url, options } = await runSecure(echo);
    const sockets = Array.from({ length: 3 }, () => openWebSocket(url, options));
    sockets[0]!.close();
    await Promise.all(sockets.slice(1).map((socket) => next(socket, "open")));
    await echoes(sockets[1]!, "well");
    for (const socket of sockets) socket.close();
  });

  test("when the connection is lost, each ends with 1006, and the next one opens a new connection", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runSecure(arrivals.endpoint);
    const sockets = [await opened(url, options), await opened(url, options)];
    const closed = sockets.map((socket) => next(socket, "close"));
    for (const session of arrivals.streams) (session as { destroy(): void }).destroy();
    expect((await Promise.all(closed)).map(({ code }) => code)).toEqual([1006, 1006]);
    const again = await opened(url, options);
    expect(arrivals.streams.size).toBe(2);
    again.close();
  });

  test("after a GOAWAY the open ones continue, and new ones use a new connection (RFC 9113 §6.8)", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runSecure(arrivals.endpoint);
    const first = await opened(url, options);
    for (const session of arrivals.streams) (session as { close(): void }).close();
    await echoes(first, "still here");
    const second = await opened(url, options);
    expect(arrivals.streams.size).toBe(2);
    for (const socket of [first, second]) socket.close();
  });

  test("if the server allows only a few streams, more connections carry the rest (RFC 9113 §5.1.2)", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runWithStreams(arrivals.endpoint, 10);
    const sockets = Array.from({ length: 35 }, () => openWebSocket(url, options));
    await Promise.all(sockets.map((socket) => next(socket, "open")));
    expect(arrivals.streams.size).toBe(4);
    const closed = sockets.map((socket) => next(socket, "close"));
    for (const socket of sockets) socket.close();
    await Promise.all(closed);
  });

  test("the server's close code and reason arrive", async () => {
    const witness = new Witness();
    const { url, options } = await runSecure(witness);
    const socket = await opened(url, options);
    (await witness.opened()).close(4321, "grund");
    expect(await next(socket, "close")).toMatchObject({
      code: 4321,
      reason: "grund",
      wasClean: true,
    });
  });
});

describe("without HTTP/2 on the server", () => {
  test("an HTTP/1.1 server is used with an upgrade", async () => {
    const arrivals = new Arrivals();
    const tls = testTls();
    const { url } = await runServer(arrivals.endpoint, { listen: { tls, http2: false } });
    const options = { http2: true, tls: { ca: tls.cert } };
    for (let count = 0; count < 2; count += 1) {
      const socket = await opened(url, options);
      await echoes(socket, "as ever");
      socket.close();
    }
    expect([arrivals.streams.size, arrivals.upgrades.size]).toEqual([0, 2]);
  });

  test("an HTTP/2 server without extended CONNECT is used with an HTTP/1.1 upgrade", async () => {
    const tls = testTls();
    const { port } = await runServer(echo, { listen: { tls } });
    // An HTTP/2 front end that passes HTTP/1.1 connections to the server behind it.
    const front = createSecureServer({ ...tls, allowHTTP1: true });
    front.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const behind = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
      const lines = request.rawHeaders.map((text, index) =>
        index % 2 === 0 ? `${text}: ` : `${text}\r\n`,
      );
      behind.write(`GET ${request.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      behind.write(head);
      behind.pipe(socket).pipe(behind);
      onTestFinished(() => void behind.destroy());
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void front.close());
    const url = `wss://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const socket = await opened(url, { http2: true, tls: { ca: tls.cert } });
    await echoes(socket, "over HTTP/1.1");
    socket.close();
    await next(socket, "close");
  });

  test("a server that does not allow any stream is used with an upgrade", async () => {
    const arrivals = new Arrivals();
    const { url, options } = await runWithStreams(arrivals.endpoint, 0);
    const socket = await opened(url, options);
    expect([arrivals.streams.size, arrivals.upgrades.size]).toEqual([0, 1]);
    socket.close();
    await next(socket, "close");
  });

  test("a ws: URL uses an upgrade, because without TLS there is no negotiation", async () => {
    const { url } = await runServer(echo);
    const socket = await opened(url, { http2: true });
    await echoes(socket, "plain");
    socket.close();
  });

  test("a server that accepts the connection but stays silent fails after handshakeTimeoutMs", async () => {
    const tls = testTls();
    const silent = createSecureServer({ ...tls, settings: { enableConnectProtocol: true } });
    const streams: ServerHttp2Stream[] = [];
    silent.on("stream", (stream) => streams.push(stream));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const { session } of streams) session?.destroy();
      silent.close();
    });
    const url = `wss://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const options = { http2: true, tls: { ca: tls.cert }, handshakeTimeoutMs: 200 };
    const failure = await failureOf(openWebSocket(url, options));
    expect(failure).toMatchObject({ code: "handshake_timeout" });
  });

  test("an untrusted certificate fails it, as without HTTP/2", async () => {
    const { url } = await runSecure(echo);
    const failure = await failureOf(openWebSocket(url, { http2: true }));
    expect(failure).toMatchObject({ code: "tls_failed" });
  });
});
