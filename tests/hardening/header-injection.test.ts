import { describe, expect, onTestFinished, test } from "vitest";
import { openWebSocket } from "../../src/client/index.ts";
import { HandshakeRefusal, type Endpoint } from "../../src/server/index.ts";
import { HeldServer } from "../rigs/sockets/held-server.ts";
import { handshake } from "../rigs/sockets/raw-client.ts";
import { openSession, RawStream } from "../rigs/sockets/http2-session.ts";
import { echo, runServer, Witness } from "../rigs/sockets/run-server.ts";
import { afterReports, strayErrors } from "../rigs/measuring/stray-errors.ts";
import { openSocket, readToEnd, runOver, WirePeer } from "../rigs/sockets/wire-peer.ts";

/**
 * Sequences that some parser reads as the end of a line; the last two lose their high octet in
 * Latin-1.
 */
const BREAKS: [string, string][] = [
  ["CR LF", "\r\n"],
  ["CR", "\r"],
  ["LF", "\n"],
  ["NUL", "\0"],
  ["U+010D", "\u010d"],
  ["U+010A", "\u010a"],
];

describe.each(BREAKS)("%s in headers from a server's application", (_, line) => {
  const injected = `a${line}Set-Cookie: stolen=1`;
  const invalidHeader: unknown = expect.objectContaining({ code: "invalid_header" });

  test("makes the constructor of a refusal throw", () => {
    for (const headers of [{ "X-A": injected }, { [injected]: "a" }, { "": "a" }]) {
      expect(() => new HandshakeRefusal(401, { headers })).toThrow(invalidHeader);
    }
  });

  test("is answered with 500 without it, over HTTP/1.1 and HTTP/2", async () => {
    const errors = strayErrors();
    const witness = new Witness();
    const endpoint: Endpoint = Object.assign(witness, {
      authorize: () => new HandshakeRefusal(401, { headers: { "X-A": injected } }),
    });
    const { port, httpUrl } = await runOver("TLS", endpoint);
    const socket = await openSocket(port, "TLS");
    socket.write(handshake());
    const answer = await readToEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).not.toContain("stolen");
    const stream = new RawStream(await openSession(httpUrl));
    expect(await stream.status()).toBe(500);
    expect(JSON.stringify(stream.response)).not.toContain("stolen");
    expect(witness.errors).toHaveLength(2);
    await afterReports();
    expect(errors).toEqual([]);
  });

  test("is escaped in a refusal's code and message, because they are JSON", async () => {
    const refusal = new HandshakeRefusal(401, { code: injected, message: injected });
    const { port } = await runServer({ ...echo, authorize: () => refusal });
    const socket = await openSocket(port);
    socket.write(handshake());
    const answer = await readToEnd(socket);
    const [head, body] = answer.split("\r\n\r\n");
    expect(head).not.toContain("stolen");
    expect(Buffer.from(body!, "latin1").toString()).toBe(
      `${JSON.stringify({ code: injected, message: injected })}\n`,
    );
  });

  test("in a subprotocol that a function chose and the client did not offer is answered with 500", async () => {
    const errors = strayErrors();
    const witness = Object.assign(new Witness(), { protocols: () => injected });
    const { port, httpUrl, server } = await runOver("TLS", witness);
    const socket = await openSocket(port, "TLS");
    socket.write(handshake("/", { "Sec-WebSocket-Protocol": "a" }));
    const answer = await readToEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).not.toContain("stolen");
    const stream = new RawStream(await openSession(httpUrl), { "sec-websocket-protocol": "a" });
    expect(await stream.status()).toBe(500);
    expect(witness.errors).toHaveLength(2);
    expect(server.peers.size).toBe(0);
    await afterReports();
    expect(errors).toEqual([]);
  });

  test.each<[string, Endpoint["onRequest"]]>([
    ["an answer's value", (exchange) => exchange.answer(200, { "X-A": injected }, "body")],
    ["an answer's name", (exchange) => exchange.answer(200, { [injected]: "a" }, "body")],
    ["a stream's value", (exchange) => exchange.beginStream({ "X-A": injected })],
    ["a stream's name", (exchange) => exchange.beginStream({ [injected]: "a" })],
  ])("%s in a plain exchange is refused with 500", async (_, onRequest) => {
    const { httpUrl } = await runServer({ onRequest: onRequest!, onError: () => {} });
    const response = await fetch(httpUrl);
    expect(response.status).toBe(500);
    expect(response.headers.get("set-cookie")).toBe(null);
    expect(await response.text()).not.toContain("stolen");
  });
});

describe.each(BREAKS)("%s in headers from a client", (_, line) => {
  const injected = `a${line}X-Injected: 1`;

  test.each([
    ["a header's value", { headers: { "X-A": injected } }],
    ["a header's name", { headers: { [injected]: "a" } }],
    ["a header's empty name", { headers: { "": "a" } }],
    ["a subprotocol", { protocols: injected }],
    ["one of several subprotocols", { protocols: ["a", injected] }],
  ])("%s throws before anything is sent", async (_, options) => {
    const held = await HeldServer.start();
    expect(() => openWebSocket(`ws://127.0.0.1:${held.port}`, options)).toThrow();
    expect(held.connections).toBe(0);
  });

  test("is removed or percent-encoded in the URL's path and query", async () => {
    const held = await HeldServer.start();
    const socket = openWebSocket(`ws://127.0.0.1:${held.port}/p${injected}?q=${injected}`);
    socket.addEventListener("error", () => {});
    const opening = await held.next();
    const { request } = opening;
    expect(request).not.toMatch(/^X-Injected/m);
    expect(request.split("\r\n")[0]).toMatch(/^GET \/p[!-~]*\?q=[!-~]* HTTP\/1\.1$/);
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    opening.answer("HTTP/1.1 400 No\r\n\r\n");
    await closed;
  });

  test("in the URL's credentials throws, or is encoded as Base64", async () => {
    const held = await HeldServer.start();
    const credentials = `${encodeURIComponent(injected)}:${encodeURIComponent(injected)}`;
    const opening = new Promise<string>((resolve) => {
      try {
        const socket = openWebSocket(`ws://${credentials}@127.0.0.1:${held.port}/`);
        onTestFinished(() => socket.close());
        socket.addEventListener("error", () => resolve("failed"));
        void held.next().then(({ request }) => resolve(request));
      } catch {
        resolve("threw");
      }
    });
    expect(await opening).not.toMatch(/^ ?X-Injected/m);
  });
});

describe("headers that a refusal must not have", () => {
  test.each(["Transfer-Encoding", "Keep-Alive", "Proxy-Connection", "Upgrade", "Connection", "TE"])(
    "%s is left out over HTTP/2, which forbids it, and does not end anything (RFC 9113 §8.2.2)",
    async (name) => {
      const errors = strayErrors();
      const refusal = new HandshakeRefusal(401, { headers: { [name]: "x", "X-B": "kept" } });
      const { httpUrl } = await runOver("HTTP/2", { ...echo, authorize: () => refusal });
      const stream = new RawStream(await openSession(httpUrl));
      expect(await stream.status()).toBe(401);
      expect(stream.response).toMatchObject({ "x-b": "kept" });
      await afterReports();
      expect(errors).toEqual([]);
    },
  );

  test.each(["Content-Length", "Transfer-Encoding", "Content-Type", "Connection"])(
    "%s is sent once, by the response itself (request smuggling)",
    async (name) => {
      const refusal = new HandshakeRefusal(401, { headers: { [name]: "5", "X-B": "kept" } });
      const { port } = await runServer({ ...echo, authorize: () => refusal });
      const socket = await openSocket(port);
      socket.write(handshake());
      const answer = await readToEnd(socket);
      const [head, body] = answer.split("\r\n\r\n");
      expect(head).toContain("X-B: kept");
      expect(head).not.toContain(`${name}: 5\r\n`);
      expect(head).toContain(`Content-Length: ${body!.length}`);
    },
  );
});

test("a function may choose a subprotocol that the client offered, or none", async () => {
  const running = await runServer({
    ...echo,
    protocols: ({ protocols }) => protocols.find((one) => one === "b"),
  });
  const witness = new Set<string>();
  for (const offer of ["a, b", "a"]) {
    const socket = await openSocket(running.port);
    socket.write(handshake("/", { "Sec-WebSocket-Protocol": offer }));
    const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    witness.add(/Sec-WebSocket-Protocol: (\S+)/.exec(head.toString())?.[1] ?? "none");
  }
  expect(witness).toEqual(new Set(["b", "none"]));
  await WirePeer.open("TCP", running);
});
