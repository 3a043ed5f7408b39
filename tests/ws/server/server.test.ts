import { createServer, get, type IncomingMessage } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { WebSocketServer, type WebSocket } from "../../rigs/ws/implementation.ts";
import { connect, endWithTest, keep, listen, Log, next, openPair } from "../../rigs/ws/rig.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";

describe("a server with a port", () => {
  test("calls back and emits 'listening'", async () => {
    const told = new Promise<unknown[]>((resolve) => {
      const wss = new WebSocketServer({ port: 0 }, (...given: unknown[]) => resolve(given));
      endWithTest(wss);
    });
    expect(await told).toEqual([]);
  });

  test("listens on all addresses if no host is given", async () => {
    const wss = new WebSocketServer({ port: 0 });
    endWithTest(wss);
    await next(wss, "listening");
    expect((wss.address() as AddressInfo).address).toMatch(/^(::|0\.0\.0\.0)$/);
  });

  test("emits Node's own 'error' if the port is in use", async () => {
    const { port } = await listen();
    const wss = new WebSocketServer({ port, host: "127.0.0.1" });
    const [error] = await next(wss, "error");
    expect((error as { code: string }).code).toBe("EADDRINUSE");
  });

  test("answers other requests with 426", async () => {
    const { port } = await listen();
    const [response] = (await next(get({ port, host: "127.0.0.1" }), "response")) as [
      IncomingMessage,
    ];
    let body = "";
    response.on("data", (chunk) => (body += chunk));
    await next(response, "end");
    expect(response.statusCode).toBe(426);
    expect(response.statusMessage).toBe("Upgrade Required");
    expect(response.headers).toMatchObject({
      "content-length": "16",
      "content-type": "text/plain",
    });
    expect(response.headers["upgrade"]).toBeUndefined();
    expect(body).toBe("Upgrade Required");
  });
});

describe("a server on another HTTP server", () => {
  test("handles its handshakes, and emits its events", async () => {
    const server = createServer();
    const wss = new WebSocketServer({ server });
    endWithTest(wss);
    const listening = next(wss, "listening");
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await listening;
    expect(wss.address()).toEqual(server.address());
    expect(wss._server).toBe(server);
    wss.on("connection", keep);
    await next(connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`), "open");
    const error = next(wss, "error");
    server.emit("error", new Error("foo"));
    expect(((await error)[0] as Error).message).toBe("foo");
  });

  test("may be reached over a Unix socket", async () => {
    const path = join(tmpdir(), `longwire-${randomUUID()}.sock`);
    const server = createServer();
    const wss = new WebSocketServer({ server });
    endWithTest(wss);
    const urls: (string | undefined)[] = [];
    wss.on("connection", (peer, request) => {
      keep(peer);
      urls.push(request.url);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    expect(wss.address()).toBe(path);
    await next(connect(`ws+unix:${path}:/foo?bar=bar`), "open");
    await next(connect(`ws+unix:${path}`), "open");
    expect(urls).toEqual(["/foo?bar=bar", "/"]);
  });

  test("looks up handleUpgrade for each handshake", async () => {
    const { wss, url } = await listen();
    const own = wss.handleUpgrade.bind(wss);
    const seen: string[] = [];
    wss.handleUpgrade = (...given) => {
      seen.push("mine");
      own(...given);
    };
    await next(connect(url), "open");
    expect(seen).toEqual(["mine"]);
  });
});

describe("address()", () => {
  test("throws without an HTTP server", () => {
    const wss = new WebSocketServer({ noServer: true });
    const refusal = new Error('The server is operating in "noServer" mode');
    expect(() => wss.address()).toThrow(refusal);
  });

  test("is null after close()", async () => {
    const { wss } = await listen();
    await new Promise<void>((resolve) => wss.close(() => resolve()));
    expect(wss.address()).toBeNull();
  });
});

describe("clients", () => {
  test("is a set of the connected clients", async () => {
    const { wss, url } = await listen();
    expect(wss.clients).toBeInstanceOf(Set);
    expect(wss.clients!.size).toBe(0);
    const connection = next(wss, "connection");
    connect(url);
    const [peer] = (await connection) as [WebSocket];
    expect([...wss.clients!]).toEqual([peer]);
  });

  test("does not exist with clientTracking false or undefined", () => {
    for (const clientTracking of [false, undefined]) {
      const wss = new WebSocketServer({ noServer: true, clientTracking });
      expect(wss.clients).toBeUndefined();
    }
  });

  test.each(["close", "terminate"] as const)(
    "does not contain a client in its 'close' event, after %s()",
    async (end) => {
      const { client, peer, wss } = await openPair();
      const sizes: number[] = [];
      peer.on("close", () => sizes.push(wss.clients!.size));
      const gone = next(peer, "close");
      client[end]();
      await gone;
      expect(sizes).toEqual([0]);
    },
  );
});

describe("'connection'", () => {
  test("is emitted with the request, after 'headers', when the client is open and tracked", async () => {
    const { wss, url } = await listen();
    const seen: unknown[] = [];
    wss.on("headers", (lines: string[], request: IncomingMessage) =>
      seen.push("headers", lines.slice(0, 3), request.url),
    );
    wss.on("connection", (peer, request) =>
      seen.push("connection", request.url, peer.readyState, wss.clients!.has(peer)),
    );
    await next(connect(`${url}/a?b`), "open");
    expect(seen).toEqual([
      "headers",
      ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"],
      "/a?b",
      "connection",
      "/a?b",
      1,
      true,
    ]);
  });

  test("a listener of 'headers' may add some", async () => {
    const { wss, url } = await listen();
    wss.on("headers", (lines: string[]) => lines.push("Set-Cookie: a=b"));
    const [response] = (await next(connect(url), "upgrade")) as [IncomingMessage];
    expect(response.headers["set-cookie"]).toEqual(["a=b"]);
  });

  test("a frame that arrived with the handshake is a message", async () => {
    const { wss, port } = await listen();
    const raw = await RawClient.open(port);
    const { handshake } = await import("../../rigs/sockets/raw-client.ts");
    const { maskedFrame, utf8 } = await import("../../rigs/protocol/masked-frame.ts");
    const frame = maskedFrame({ opcode: Opcode.Text, payload: utf8("early") });
    const connection = next(wss, "connection");
    const heard = new Promise<string>((resolve) => {
      wss.on("connection", (peer) => peer.on("message", (data: Buffer) => resolve(String(data))));
    });
    raw.write(Buffer.concat([Buffer.from(handshake()), frame]));
    await connection;
    expect(await heard).toBe("early");
  });

  test("messages may be sent, and the client closed, immediately", async () => {
    const { wss, url } = await listen();
    wss.on("connection", (peer) => {
      peer.send("hi");
      peer.close(4000);
    });
    expect(await new Log(connect(url)).closed).toEqual([
      "upgrade",
      "open",
      "text hi",
      "close 4000",
    ]);
  });
});

test("a port may be given as text, and the backlog set", async () => {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const { wss } = await listen({ port: String(port), backlog: 5 });
  expect((wss.address() as AddressInfo).port).toBe(port);
});
