import { once } from "node:events";
import { createServer as createHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { CloseCode, Opcode } from "../../../src/protocol/index.ts";
import {
  HandshakeRefusal,
  WebSocketServer,
  type Endpoint,
  type HttpExchange,
} from "../../../src/server/index.ts";
import { afterReports, strayErrors } from "../../rigs/measuring/stray-errors.ts";
import { closePayload, maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { handshake } from "../../rigs/sockets/raw-client.ts";
import { openSession, RawStream, testTls } from "../../rigs/sockets/http2-session.ts";
import { echo, runServer, Witness, type RunningServer } from "../../rigs/sockets/run-server.ts";

const text = (content: string): Uint8Array =>
  maskedFrame({ opcode: Opcode.Text, payload: utf8(content) });

function runSecure(endpoint: Endpoint | readonly Endpoint[], options = {}): Promise<RunningServer> {
  return runServer(endpoint, { ...options, listen: { tls: testTls() } });
}

describe("the handshake (RFC 8441)", () => {
  test("the server announces support for extended CONNECT (§3)", async () => {
    const { httpUrl } = await runSecure(echo);
    const session = await openSession(httpUrl);
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
  });

  test("it is answered with 200, the chosen subprotocol and the agreed extension (§5)", async () => {
    const { httpUrl } = await runSecure({ ...echo, protocols: ["b"] });
    const client = new RawStream(await openSession(httpUrl), {
      "sec-websocket-protocol": "a, b",
      "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
    });
    expect(await client.status()).toBe(200);
    expect(client.response).toMatchObject({
      "sec-websocket-protocol": "b",
      "sec-websocket-extensions": expect.stringMatching(/^permessage-deflate;/),
    });
    expect(client.response).not.toHaveProperty("sec-websocket-accept");
  });

  test("authorize receives path, query, headers, origin, address and the stream", async () => {
    const seen: unknown[] = [];
    const { httpUrl } = await runSecure({
      origins: "any",
      authorize: (request) => {
        const { path, search, origin, protocols, remoteAddress } = request;
        seen.push(path, search, origin, protocols, remoteAddress);
        seen.push(request.header("Cookie"), request.header("X-One"), "session" in request.incoming);
      },
    });
    const client = new RawStream(await openSession(httpUrl), {
      ":path": "/a/b?c=d",
      origin: "https://page.test",
      "sec-websocket-protocol": "x",
      cookie: ["a=1", "b=2"],
      "x-one": "1",
    });
    expect(await client.status()).toBe(200);
    expect(seen).toEqual([
      "/a/b",
      "c=d",
      "https://page.test",
      ["x"],
      "127.0.0.1",
      "a=1; b=2",
      "1",
      true,
    ]);
  });

  test.each([
    ["no version", { "sec-websocket-version": undefined }, 426],
    ["another version", { "sec-websocket-version": "8" }, 426],
    ["another protocol", { ":protocol": "connect-udp" }, 501],
    ["bad subprotocols", { "sec-websocket-protocol": "a b" }, 400],
    ["malformed extensions", { "sec-websocket-extensions": "a;=" }, 400],
    ["a page of another origin", { origin: "https://other.test" }, 403],
    ["a path without an endpoint", { ":path": "/other" }, 404],
  ])("%s is refused", async (_, headers, status) => {
    const { httpUrl } = await runSecure({ path: "/here" });
    const client = new RawStream(await openSession(httpUrl), { ":path": "/here", ...headers });
    expect(await client.status()).toBe(status);
    await client.until(() => client.hasEnded);
    expect(JSON.parse(client.body.toString())).toMatchObject({ code: expect.any(String) });
  });

  test("a page of the same host is accepted, by :authority", async () => {
    const { httpUrl } = await runSecure({});
    const client = new RawStream(await openSession(httpUrl), { origin: httpUrl });
    expect(await client.status()).toBe(200);
  });

  test("a refusal by authorize reaches the client", async () => {
    const { httpUrl } = await runSecure({
      authorize: () => new HandshakeRefusal(401, { headers: { "WWW-Authenticate": "Basic" } }),
    });
    const client = new RawStream(await openSession(httpUrl));
    expect(await client.status()).toBe(401);
    expect(client.response).toMatchObject({ "www-authenticate": "Basic" });
  });

  test("a client that disconnects while authorize decides does no harm", async () => {
    let decide = (): void => {};
    const asked = new Promise<void>((resolve) => {
      decide = resolve;
    });
    let answer = (): void => {};
    const { httpUrl, server } = await runSecure({
      authorize: () => {
        decide();
        return new Promise<void>((resolve) => (answer = resolve));
      },
    });
    const session = await openSession(httpUrl);
    const client = new RawStream(session);
    await asked;
    client.stream.close();
    await client.until(() => client.isClosed);
    answer();
    const next = new RawStream(session);
    await next.until(() => next.isClosed || server.peers.size === 0);
    expect(server.peers.size).toBe(0);
  });
});

describe("a WebSocket as a stream", () => {
  test("carries messages, fragments, pings and the closing handshake, and ends the stream", async () => {
    const { httpUrl } = await runSecure(echo);
    const client = new RawStream(await openSession(httpUrl));
    await client.status();
    client.write(text("one"));
    client.write(maskedFrame({ opcode: Opcode.Text, fin: false, payload: utf8("t") }));
    client.write(maskedFrame({ opcode: Opcode.Ping, payload: utf8("?") }));
    client.write(maskedFrame({ opcode: Opcode.Continuation, payload: utf8("wo") }));
    client.write(maskedFrame({ opcode: Opcode.Close, payload: closePayload(3000, utf8("bye")) }));
    const frames = await client.framesWhen(4);
    expect(frames.map(({ payload }) => Buffer.from(payload).toString("latin1"))).toEqual([
      "one",
      "?",
      "two",
      "\x0b\xb8bye",
    ]);
    await client.until(() => client.hasEnded);
  });

  test("many WebSockets share one connection, and each ends on its own", async () => {
    const { httpUrl, server } = await runSecure(echo);
    const session = await openSession(httpUrl);
    const clients = Array.from({ length: 500 }, () => new RawStream(session));
    for (const client of clients) expect(await client.status()).toBe(200);
    expect(server.peers.size).toBe(500);
    for (const [index, client] of clients.entries()) client.write(text(`${index}`));
    for (const [index, client] of clients.entries()) {
      const [frame] = await client.framesWhen(1);
      expect(Buffer.from(frame!.payload).toString()).toBe(`${index}`);
    }
    clients[0]!.write(maskedFrame({ opcode: Opcode.Close }));
    await clients[0]!.until(() => clients[0]!.hasEnded);
    clients[1]!.write(text("still here"));
    expect(await clients[1]!.framesWhen(2)).toHaveLength(2);
  });

  test("a protocol violation fails only its own stream", async () => {
    const { httpUrl } = await runSecure(echo);
    const session = await openSession(httpUrl);
    const [bad, good] = [new RawStream(session), new RawStream(session)];
    await Promise.all([bad.status(), good.status()]);
    bad.write(Uint8Array.of(0x81, 0x01, 0x61));
    const [close] = await bad.framesWhen(1);
    expect([...close!.payload]).toEqual([0x03, 0xea]);
    good.write(text("well"));
    expect(await good.framesWhen(1)).toHaveLength(1);
  });

  test("when a stream is reset, its peer is closed with 1006", async () => {
    const witness = new Witness();
    const { httpUrl } = await runSecure(witness);
    const client = new RawStream(await openSession(httpUrl));
    await witness.opened();
    client.stream.close(8);
    expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
  });

  test("a terminated peer is reset with CANCEL (§5)", async () => {
    const witness = new Witness();
    const { httpUrl } = await runSecure(witness);
    const client = new RawStream(await openSession(httpUrl));
    const peer = await witness.opened();
    await client.status();
    peer.terminate();
    await client.until(() => client.isClosed);
    expect(client.stream.rstCode).toBe(8);
    expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
  });

  test("a lost connection closes all its peers", async () => {
    const witness = new Witness();
    const { httpUrl } = await runSecure(witness);
    const session = await openSession(httpUrl);
    const clients = Array.from({ length: 3 }, () => new RawStream(session));
    for (const client of clients) await client.status();
    session.destroy();
    await witness.until(() => witness.closures.length === 3);
    expect(witness.closures.map(({ code }) => code)).toEqual([1006, 1006, 1006]);
  });

  test("unread data waits in the window of its own stream, and others are not affected (§5, flow control)", async () => {
    const witness = new Witness();
    const { httpUrl } = await runSecure(witness);
    const session = await openSession(httpUrl);
    const slow = new RawStream(session);
    const peer = await witness.opened();
    await slow.status();
    slow.stream.pause();
    for (let count = 0; count < 40; count += 1) peer.send(new Uint8Array(100_000));
    expect(peer.bufferedAmount).toBeGreaterThan(3_000_000);
    const quick = new RawStream(session);
    expect(await quick.status()).toBe(200);
    witness.peer!.send("ahead");
    expect(await quick.framesWhen(1)).toHaveLength(1);
    expect(peer.bufferedAmount).toBeGreaterThan(1_000_000);
    const drained = peer.drained();
    slow.stream.resume();
    expect(await drained).toBe(true);
    expect(await slow.framesWhen(40)).toHaveLength(40);
  });

  test("a paused peer is not read, and its client's window fills", async () => {
    const witness = new Witness();
    const { httpUrl } = await runSecure(witness);
    const client = new RawStream(await openSession(httpUrl));
    const peer = await witness.opened();
    await client.status();
    peer.pause();
    const message = maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(100_000) });
    for (let count = 0; count < 20; count += 1) client.write(message);
    await new Promise<void>((resolve) => client.stream.session!.ping(() => resolve()));
    expect(witness.messages.length).toBe(0);
    expect(client.stream.writableLength).toBeGreaterThan(1_000_000);
    peer.resume();
    await witness.until(() => witness.messages.length === 20);
  });
});

describe("draining", () => {
  test("peers are closed with 1001 and new streams are refused", async () => {
    const { httpUrl, server } = await runSecure(echo);
    const session = await openSession(httpUrl);
    const client = new RawStream(session);
    await client.status();
    const goneAway = new Promise((resolve) => session.once("goaway", resolve));
    const closing = server.close({ timeoutMs: 60_000 });
    const [close] = await client.framesWhen(1);
    expect([...close!.payload]).toEqual([0x03, CloseCode.GoingAway - 0x300]);
    await goneAway;
    client.write(maskedFrame({ opcode: Opcode.Close, payload: closePayload(1001) }));
    client.stream.end();
    await closing;
    expect(session.closed || session.destroyed).toBe(true);
  });

  test("streams that do not close in time are cut, and so are idle connections", async () => {
    const { httpUrl, server } = await runSecure(echo);
    const [used, idle] = [await openSession(httpUrl), await openSession(httpUrl)];
    const client = new RawStream(used);
    await client.status();
    const gone = [used, idle].map((one) => new Promise((resolve) => one.once("close", resolve)));
    await server.close({ timeoutMs: 50 });
    await Promise.all(gone);
    expect(server.peers.size).toBe(0);
  });
});

test("an HTTP/2 connection is closed after handshakeTimeoutMs without a stream, but not while it has one", async () => {
  const options = { handshakeTimeoutMs: 100, listen: { tls: testTls() } };
  const { httpUrl } = await runServer(echo, options);
  const [idle, used] = [await openSession(httpUrl), await openSession(httpUrl)];
  const client = new RawStream(used);
  await client.status();
  await new Promise((resolve) => idle.once("close", resolve));
  client.write(text("still here"));
  expect(await client.framesWhen(1)).toHaveLength(1);
});

test("an unanswered HTTP/1.1 request does not hold up a drain", async () => {
  let onRequest = (): void => {};
  const asked = new Promise<void>((resolve) => (onRequest = resolve));
  const { port, server } = await runSecure({ onRequest: () => onRequest() });
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await asked;
  const gone = new Promise((resolve) => socket.once("close", resolve));
  await server.close({ timeoutMs: 50 });
  await gone;
});

describe("beside HTTP/1.1 on the same port (RFC 7301)", () => {
  test("a client that negotiates http/1.1 upgrades as usual", async () => {
    const { port } = await runSecure(echo);
    const socket = connectTls({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    onTestFinished(() => void socket.destroy());
    socket.write(handshake("/"));
    const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    expect(socket.alpnProtocol).toBe("http/1.1");
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /);
  });

  test("a plain request on a WebSocket path is answered with 426, without connection headers (RFC 9113 §8.2.2)", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    onTestFinished(() => void process.off("warning", note));
    const { httpUrl } = await runSecure(echo);
    const stream = (await openSession(httpUrl)).request({ ":path": "/" });
    const [head] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(head).toMatchObject({ ":status": 426 });
    expect(head).not.toHaveProperty("upgrade");
    stream.resume();
    await once(stream, "close");
    expect(warnings).toEqual([]);
  });

  test.each<[string, (exchange: HttpExchange) => void, number]>([
    [
      "answer() omits connection headers",
      (exchange) => exchange.answer(200, { Connection: "close", "Keep-Alive": "timeout=5" }, "x"),
      200,
    ],
    ["beginStream() does", (exchange) => exchange.beginStream({ connection: "keep-alive" }), 200],
    [
      "Node's own response throws on a connection header, and the error is reported",
      ({ response }) => void response.writeHead(200, { "Keep-Alive": "timeout=5" }).end(),
      500,
    ],
  ])(
    "an application's connection header does not end the process: %s",
    async (_, answer, status) => {
      const errors = strayErrors();
      const { httpUrl } = await runSecure({ ...echo, onRequest: answer, onError: () => {} });
      const stream = (await openSession(httpUrl)).request({ ":path": "/" });
      const [head] = (await once(stream, "response")) as [Record<string, unknown>];
      expect(head[":status"]).toBe(status);
      expect(head).not.toHaveProperty("connection");
      await afterReports();
      expect(errors).toEqual([]);
    },
  );

  test("plain requests are answered over both protocols", async () => {
    const { httpUrl } = await runSecure({
      onRequest: (exchange) =>
        exchange.answer(
          200,
          { "Content-Type": "text/plain" },
          `${exchange.method} ${exchange.path}`,
        ),
    });
    const session = await openSession(httpUrl);
    const stream = session.request({ ":path": "/plain" });
    const overHttp2 = await readAll(stream);
    expect(overHttp2).toBe("GET /plain");
    const overHttp1 = await new Promise<string>((resolve) =>
      httpsRequest(`${httpUrl}/plain`, { rejectUnauthorized: false, agent: false }, (response) =>
        resolve(readAll(response)),
      ).end(),
    );
    expect(overHttp1).toBe("GET /plain");
  });

  test("headers beyond maxHeaderBytes are answered with 431 over HTTP/1.1", async () => {
    const { port } = await runServer(echo, { maxHeaderBytes: 2000, listen: { tls: testTls() } });
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    socket.write(handshake("/", { "X-Long": "x".repeat(4000) }));
    const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    expect(head.toString()).toMatch(/^HTTP\/1\.1 431 /);
  });
});

test("attach handles extended CONNECTs of an http2 server, and leaves other streams to it", async () => {
  const http = createHttp2({ settings: { enableConnectProtocol: true } });
  const server = new WebSocketServer({ ...echo, path: "/ws" });
  const detach = server.attach(http);
  http.on("stream", (stream, headers) => {
    if (headers[":method"] !== "CONNECT") stream.end("the application's own");
    else if (headers[":path"] === "/theirs") stream.respond({ ":status": 200 });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void http.close());
  const session = await openSession(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const ours = new RawStream(session, { ":scheme": "http", ":path": "/ws" });
  expect(await ours.status()).toBe(200);
  ours.write(text("x"));
  expect(await ours.framesWhen(1)).toHaveLength(1);
  expect(await new RawStream(session, { ":path": "/theirs" }).status()).toBe(200);
  expect(await readAll(session.request({ ":path": "/" }))).toBe("the application's own");
  detach();
  const closing = server.close({ timeoutMs: 1000 });
  ours.write(maskedFrame({ opcode: Opcode.Close }));
  ours.stream.end();
  await closing;
});

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += String(chunk);
  return all;
}
