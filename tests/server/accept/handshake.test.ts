import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Compression, HandshakeRefusal, WebSocketServer } from "../../../src/server/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { handshake, KEY, RawClient } from "../../rigs/sockets/raw-client.ts";
import { echo, runServer, Witness } from "../../rigs/sockets/run-server.ts";

async function answerTo(port: number, request: string): Promise<string> {
  const client = await RawClient.open(port);
  client.write(request);
  return client.all();
}

describe("the opening handshake over a real socket (RFC 6455 §4.2)", () => {
  test("a valid handshake is answered with 101 and the proof for its key", async () => {
    const { port } = await runServer(echo);
    const client = await RawClient.open(port);
    client.write(handshake());
    const head = await client.head();
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(head).not.toContain("Sec-WebSocket-Protocol");
    expect(head).not.toContain("Sec-WebSocket-Extensions");
  });

  test.each([
    ["the method is POST", handshake("/", {}, "POST / HTTP/1.1"), 405],
    ["HTTP is 1.0", handshake("/", {}, "GET / HTTP/1.0"), 400],
    ["there is no key", handshake("/", { "Sec-WebSocket-Key": undefined }), 400],
    ["the key is too short", handshake("/", { "Sec-WebSocket-Key": "c2hvcnQ=" }), 400],
    ["the key comes twice", handshake("/", { "sec-websocket-key": KEY }), 400],
    ["the version is 8", handshake("/", { "Sec-WebSocket-Version": "8" }), 426],
    ["there is no version", handshake("/", { "Sec-WebSocket-Version": undefined }), 426],
    ["Upgrade contains something else", handshake("/", { Upgrade: "h2c" }), 400],
    ["a subprotocol comes twice", handshake("/", { "Sec-WebSocket-Protocol": "a, b, a" }), 400],
    ["a subprotocol is not a token", handshake("/", { "Sec-WebSocket-Protocol": "a b" }), 400],
    [
      "the extensions are malformed",
      handshake("/", { "Sec-WebSocket-Extensions": 'x; y="unclosed' }),
      400,
    ],
    ["a body is announced", handshake("/", { "Content-Length": "5" }), 400],
    ["two lengths disagree", handshake("/", { "Content-Length": "0", "content-length": "5" }), 400],
    ["the body would be chunked", handshake("/", { "Transfer-Encoding": "chunked" }), 400],
    ["it is not HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", 400],
  ])("is refused when %s", async (_, request, status) => {
    const { port, server } = await runServer(echo);
    expect(await answerTo(port, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(server.peers.size).toBe(0);
    const next = await RawClient.upgrade(port);
    expect(next.hasEnded).toBe(false);
  });

  test("a refusal contains advice, as JSON, and the supported version 13 (RFC 6455 §4.4)", async () => {
    const { port } = await runServer(echo);
    const answer = await answerTo(port, handshake("/", { "Sec-WebSocket-Version": "12" }));
    expect(answer).toContain("Sec-WebSocket-Version: 13\r\n");
    const body = JSON.parse(answer.split("\r\n\r\n")[1]!) as object;
    expect(body).toMatchObject({ code: "bad_version" });
  });

  test("a plain request is answered with 426 and the protocol to upgrade to", async () => {
    const { httpUrl } = await runServer(echo);
    const response = await fetch(httpUrl);
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
    expect(await response.json()).toMatchObject({ code: "upgrade_required" });
  });

  test.each([
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nconnection: Y ,\tCLOSE\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
  ])("the connection is closed if the client asks for it (RFC 9112 §9.6): %j", async (request) => {
    const { port } = await runServer(echo);
    const answer = await answerTo(port, request);
    expect(answer).toMatch(/^HTTP\/1\.1 426 [^]*\r\nConnection: Upgrade, close\r\n/);
    expect(answer).toContain('"upgrade_required"');
  });

  test("a connection that is not closed can be used for the next request", async () => {
    const { port } = await runServer(echo);
    const client = await RawClient.open(port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await client.head()).toMatch(/\r\nConnection: Upgrade(\r\n|$)/);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await client.all()).match(/HTTP\/1\.1 426 /g)).toHaveLength(2);
  });

  test("a refusal with Upgrade lists it in Connection, too (RFC 9110 §7.8)", async () => {
    const { port } = await runServer(echo);
    const answer = await answerTo(port, handshake("/", { "Sec-WebSocket-Version": "8" }));
    expect(answer).toMatch(/\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n/);
    const other = await answerTo(port, handshake("/", { "Sec-WebSocket-Key": "short" }));
    expect(other).toContain("\r\nConnection: close\r\n");
  });

  test("more headers than Node keeps do not crash the server (CVE-2024-37890)", async () => {
    const { port } = await runServer(echo, { maxHeaderBytes: 1024 * 1024 });
    const lines = Array.from({ length: 3_000 }, (_, index) => `x-${index}: y\r\n`).join("");
    const request = `GET / HTTP/1.1\r\n${lines}Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`;
    expect(await answerTo(port, request)).toMatch(/^HTTP\/1\.1 4\d\d /);
    await RawClient.upgrade(port);
  });

  test("headers beyond maxHeaderBytes are refused with 431", async () => {
    const { port } = await runServer(echo);
    expect(await answerTo(port, handshake("/", { "x-long": "x".repeat(20_000) }))).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  test("a slowly sent header is cut off after handshakeTimeoutMs", async () => {
    const { port } = await runServer(echo, { handshakeTimeoutMs: 300 });
    const client = await RawClient.open(port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n");
    expect(await client.all()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("a silent connection is cut off, too", async () => {
    const { port } = await runServer(echo, { handshakeTimeoutMs: 300 });
    const client = await RawClient.open(port);
    await client.ended();
  });

  test("frames in the same packet as the handshake are not lost", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.open(port);
    const frame = Buffer.from("818537fa213d7f9f4d5158", "hex");
    client.write(Buffer.concat([Buffer.from(handshake()), frame]));
    await witness.until(() => witness.messages.length === 1);
    expect(witness.messages).toEqual(["Hello"]);
  });
});

describe("subprotocols (RFC 6455 §4.2.2)", () => {
  test("the first offered subprotocol that the endpoint supports is chosen", async () => {
    const witness = Object.assign(new Witness(), { protocols: ["b", "a"] });
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port, "/", { "Sec-WebSocket-Protocol": "x, a, b" });
    expect(await client.head()).toContain("Sec-WebSocket-Protocol: a");
    expect((await witness.opened()).protocol).toBe("a");
  });

  test("no subprotocol is chosen if the endpoint supports none", async () => {
    const { port } = await runServer({ ...echo, protocols: ["b"] });
    const client = await RawClient.upgrade(port, "/", { "Sec-WebSocket-Protocol": "x" });
    expect(await client.head()).not.toContain("Sec-WebSocket-Protocol");
  });
});

describe("Origin (RFC 6455 §10.2)", () => {
  const foreign = { Origin: "https://evil.example" };

  test("a page of another host is refused with 403 by default", async () => {
    const { port, server } = await runServer(new Witness());
    const answer = await answerTo(port, handshake("/", foreign));
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain("foreign_origin");
    expect(server.peers.size).toBe(0);
  });

  test("the opaque origin of a sandboxed page is refused", async () => {
    const { port } = await runServer(new Witness());
    expect(await answerTo(port, handshake("/", { Origin: "null" }))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("the same host on another port is another origin", async () => {
    const { port } = await runServer(new Witness());
    const headers = { Host: "localhost:8080", Origin: "http://localhost:3000" };
    expect(await answerTo(port, handshake("/", headers))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test.each([
    ["the same host and port", undefined, "http://localhost:8080"],
    ["a listed origin", ["https://good.example"], "https://good.example"],
    ["the same host, in addition to a list", ["https://good.example"], "http://localhost:8080"],
    ["any", "any" as const, "https://evil.example"],
    [
      "an origin that a function allows",
      (origin: string) => origin.endsWith(".example"),
      "https://a.example",
    ],
  ])("%s may connect", async (_, origins, origin) => {
    const witness = Object.assign(new Witness(), origins === undefined ? {} : { origins });
    const { port } = await runServer(witness);
    await RawClient.upgrade(port, "/", { Host: "localhost:8080", Origin: origin });
  });

  test("the default port in Host equals a missing one", async () => {
    const { port } = await runServer(new Witness());
    const headers = { Host: "example.com:443", Origin: "https://example.com" };
    await RawClient.upgrade(port, "/", headers);
  });

  test("a plain request from a foreign page is refused, too", async () => {
    const endpoint = { onRequest: vi.fn<() => void>() };
    const { httpUrl } = await runServer(endpoint);
    const response = await fetch(httpUrl, { method: "POST", headers: foreign });
    expect(response.status).toBe(403);
    expect(endpoint.onRequest).not.toHaveBeenCalled();
  });
});

describe("authorize", () => {
  test("its return value becomes the peer's data", async () => {
    const witness = Object.assign(new Witness(), {
      authorize: (request: { query: URLSearchParams }) => ({ user: request.query.get("user") }),
    });
    const { port } = await runServer(witness);
    await RawClient.upgrade(port, "/?user=ada");
    expect((await witness.opened()).data).toEqual({ user: "ada" });
  });

  test("a refusal is answered with its status, code, message and headers", async () => {
    const refusal = new HandshakeRefusal(401, {
      code: "no_token",
      message: "Send a token.",
      headers: { "WWW-Authenticate": "Bearer" },
    });
    const { port } = await runServer({ ...echo, authorize: () => refusal });
    const answer = await answerTo(port, handshake());
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(answer).toContain("WWW-Authenticate: Bearer\r\n");
    expect(answer).toContain('{"code":"no_token","message":"Send a token."}');
  });

  test("a throw or rejection is answered with 500 and reported to onError", async () => {
    const witness = Object.assign(new Witness(), {
      authorize: () => Promise.reject(new Error("database down")),
    });
    const { port } = await runServer(witness);
    const answer = await answerTo(port, handshake());
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).not.toContain("database");
    expect(witness.errors[0]).toMatchObject({ code: "application_failed" });
  });

  test("without a decision, the answer is 503 after handshakeTimeoutMs", async () => {
    const clock = new VirtualClock();
    let isAsked = (): void => {};
    const asking = new Promise<void>((resolve) => (isAsked = resolve));
    const endpoint = {
      authorize: () => {
        isAsked();
        return new Promise<never>(() => {});
      },
    };
    const { port } = await runServer(endpoint, { clock });
    const client = await RawClient.open(port);
    client.write(handshake());
    await asking;
    clock.advance(10_200);
    expect(await client.all()).toMatch(/^HTTP\/1\.1 503 /);
  });

  test("a drain does not wait for an undecided handshake", async () => {
    let isAsked = (): void => {};
    const asking = new Promise<void>((resolve) => (isAsked = resolve));
    const endpoint = {
      authorize: (): Promise<never> => {
        isAsked();
        return new Promise<never>(() => {});
      },
    };
    const { port, server } = await runServer(endpoint, { clock: new VirtualClock() });
    const client = await RawClient.open(port);
    client.write(handshake());
    await asking;
    await server.close();
    await client.ended();
    expect(server.peers.size).toBe(0);
  });
});

describe("beside other routes of an existing server", () => {
  async function runHttp(attach: (http: ReturnType<typeof createServer>) => void): Promise<number> {
    const http = createServer((request, response) => response.end(`page ${request.url}`));
    attach(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    return (http.address() as AddressInfo).port;
  }

  test("handshakes on its path are accepted, and other requests are left to the server", async () => {
    const sockets = new WebSocketServer({ ...echo, path: "/ws" });
    const port = await runHttp((http) => sockets.attach(http));
    await RawClient.upgrade(port, "/ws?x=1");
    const page = await fetch(`http://127.0.0.1:${port}/other`);
    expect(await page.text()).toBe("page /other");
    await sockets.close({ timeoutMs: 100 });
  });

  test("a path without an endpoint is answered with 404, not left open", async () => {
    const sockets = new WebSocketServer({ ...echo, path: "/ws" });
    const port = await runHttp((http) => sockets.attach(http));
    expect(await answerTo(port, handshake("/elsewhere"))).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("two servers share one HTTP server, each with its path", async () => {
    const first = Object.assign(new Witness(), { path: "/a" });
    const second = Object.assign(new Witness(), { path: "/b/*" });
    const port = await runHttp((http) => {
      new WebSocketServer(first).attach(http);
      new WebSocketServer(second).attach(http);
    });
    await RawClient.upgrade(port, "/a");
    await RawClient.upgrade(port, "/b/deep/er");
    await first.opened();
    await second.opened();
  });

  test("a handshake during a drain is answered with 503 and Retry-After", async () => {
    const sockets = new WebSocketServer({ ...echo, path: "/ws" });
    const port = await runHttp((http) => sockets.attach(http));
    const slow = await RawClient.upgrade(port, "/ws");
    const closing = sockets.close({ timeoutMs: 1_000 });
    const answer = await answerTo(port, handshake("/ws"));
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain("Retry-After: 1\r\n");
    slow.socket.destroy();
    await closing;
  });

  test("a detached server does not accept handshakes", async () => {
    const sockets = new WebSocketServer({ ...echo, path: "/ws" });
    let detach = (): void => {};
    const port = await runHttp((http) => {
      http.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 418 Teapot\r\n\r\n"));
      detach = sockets.attach(http);
    });
    detach();
    expect(await answerTo(port, handshake("/ws"))).toMatch(/^HTTP\/1\.1 418 /);
  });
});

test("a peer that is refused during a drain releases its compression contexts", async () => {
  const compression = new Compression({ outgoingContextTakeover: true });
  const asked: { tell: () => void; answer: () => void } = { tell: () => {}, answer: () => {} };
  const wasAsked = new Promise<void>((resolve) => (asked.tell = resolve));
  const endpoint = {
    authorize: ({ path }: { path: string }) => {
      if (path === "/at-once") return;
      asked.tell();
      return new Promise<void>((resolve) => (asked.answer = resolve));
    },
  };
  const { port, server } = await runServer(endpoint, { compression });
  const offer = { "Sec-WebSocket-Extensions": "permessage-deflate" };
  // The drain waits for this peer, while the other handshake is being decided.
  const open = await RawClient.upgrade(port, "/at-once", offer);
  const { contextBytes } = compression;
  expect(contextBytes).toBeGreaterThan(0);
  const late = await RawClient.open(port);
  late.write(handshake("/", offer));
  await wasAsked;
  const closing = server.close({ timeoutMs: 60_000 });
  asked.answer();
  expect(await late.head()).toMatch(/^HTTP\/1\.1 503 /);
  expect(compression.contextBytes).toBe(contextBytes);
  open.socket.destroy();
  await closing;
});
