import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { KEY } from "../../rigs/sockets/raw-client.ts";
import { WebSocket, WebSocketServer } from "../../rigs/ws/implementation.ts";
import { closed, connect, endWithTest, keep, Log, next, text, turns } from "../../rigs/ws/rig.ts";
import { duplexPair, upgradeRequest } from "../../rigs/ws/memory-stream.ts";

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

async function httpServer(onUpgrade: OnUpgrade): Promise<{ server: Server; url: string }> {
  const server = createServer().on("upgrade", onUpgrade);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function noServer(options = {}): WebSocketServer {
  const wss = new WebSocketServer({ noServer: true, ...options });
  endWithTest(wss);
  return wss;
}

describe("shouldHandle()", () => {
  test.each([
    ["/foo", "/foo", true],
    ["/foo", "/foo?bar=baz", true],
    ["/foo", "/bar", false],
    ["/foo", "/foo/", false],
    [undefined, "/any", true],
    ["", "/any", true],
  ])("with the path %s, returns for %s: %s", (path, url, answer) => {
    const wss = noServer({ path });
    expect(wss.shouldHandle({ url } as IncomingMessage)).toBe(answer);
  });

  test("may be replaced, and its result is used", async () => {
    const wss = noServer();
    const { url } = await httpServer((...given) => wss.handleUpgrade(...given, keep));
    wss.shouldHandle = () => Promise.resolve(false);
    await next(connect(url), "open");
    wss.shouldHandle = () => false;
    const [, response] = await next(connect(url), "unexpected-response");
    expect((response as IncomingMessage).statusCode).toBe(400);
  });
});

describe("handleUpgrade()", () => {
  test("handles an HTTP server's handshake, and leaves emitting 'connection' to the caller", async () => {
    const wss = noServer();
    wss.on("connection", () => expect.unreachable());
    const { url } = await httpServer((request, socket, head) => {
      wss.handleUpgrade(request, socket, head, (peer, given) => {
        expect(given).toBe(request);
        expect(peer).toBeInstanceOf(WebSocket);
        expect(wss.clients!.has(peer)).toBe(true);
        peer.send("hi");
        peer.close();
      });
    });
    const lines = await new Log(connect(url)).closed;
    expect(lines).toEqual(["upgrade", "open", "text hi", "close 1005"]);
  });

  test("calls back synchronously if nothing has to be awaited", () => {
    const wss = noServer();
    const [socket] = duplexPair();
    let peer: WebSocket | undefined;
    wss.handleUpgrade(upgradeRequest(), socket, Buffer.alloc(0), (given) => (peer = given));
    expect(peer!.readyState).toBe(1);
    expect(peer!._socket).toBe(socket);
    keep(peer!);
  });

  test("throws for a socket that it has already handled, whose connection stays open", async () => {
    const wss = noServer();
    let thrown: unknown;
    const { url } = await httpServer((request, socket, head) => {
      wss.handleUpgrade(request, socket, head, (peer) => {
        keep(peer);
        peer.on("message", (data) => peer.send(String(data)));
      });
      try {
        wss.handleUpgrade(request, socket, head, () => expect.unreachable());
      } catch (error) {
        thrown = error;
      }
    });
    const client = connect(url);
    await next(client, "open");
    expect(thrown).toEqual(
      new Error(
        "server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration",
      ),
    );
    client.send("alive");
    expect(await text(client)).toBe("alive");
  });

  test("accepts any Duplex as a socket", async () => {
    const wss = noServer();
    const { url } = await httpServer((request, socket, head) => {
      const [outer, inner] = duplexPair();
      socket.pipe(outer).pipe(socket);
      wss.handleUpgrade(request, inner, head, (peer) => {
        keep(peer);
        peer.on("message", (data) => peer.send(`echo ${String(data)}`));
      });
    });
    const client = connect(url);
    await next(client, "open");
    for (const size of [2, 70_000]) {
      client.send("x".repeat(size));
      expect(await text(client)).toBe(`echo ${"x".repeat(size)}`);
    }
    const end = closed(client);
    client.close(1000);
    expect((await end).code).toBe(1000);
  });

  test("reads the head as the first bytes of the connection", async () => {
    const wss = noServer();
    const [socket] = duplexPair();
    const head = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    const heard = new Promise<string>((resolve) => {
      wss.handleUpgrade(upgradeRequest(), socket, head, (peer) => {
        keep(peer).on("message", (data: Buffer) => resolve(String(data)));
      });
    });
    expect(await heard).toBe("hi");
  });

  test("leaves one 'error' listener on an accepted socket", async () => {
    const wss = noServer();
    const [socket] = duplexPair();
    wss.handleUpgrade(upgradeRequest(), socket, Buffer.alloc(0), keep);
    await turns(1);
    expect(socket.listenerCount("error")).toBe(1);
  });

  test("closes the socket of a refused handshake", async () => {
    const wss = noServer();
    const [socket, other] = duplexPair();
    wss.handleUpgrade(upgradeRequest({ upgrade: "foo" }), socket, Buffer.alloc(0), () => {});
    other.resume();
    await next(socket, "close");
    expect(socket.destroyed).toBe(true);
  });

  test("an error of the socket ends it, even while verifyClient is pending", async () => {
    const wss = noServer({ verifyClient: (_info: unknown, _done: unknown) => {} });
    const [socket] = duplexPair();
    const request = Object.assign(upgradeRequest(), { socket: {} });
    wss.handleUpgrade(request, socket, Buffer.alloc(0), () => expect.unreachable());
    socket.emit("error", new Error("foo"));
    expect(socket.destroyed).toBe(true);
  });

  test("only closes a socket that has already ended", () => {
    const wss = noServer();
    const [socket] = duplexPair();
    socket.end();
    wss.handleUpgrade(upgradeRequest(), socket, Buffer.alloc(0), () => expect.unreachable());
    expect(socket.destroyed).toBe(true);
  });
});

describe("setSocket()", () => {
  /** A client and a server over an in-memory stream, as in injectWS of @fastify/websocket. */
  function inject(wss: WebSocketServer): { client: WebSocket; answered: Promise<string> } {
    const [mine, its] = duplexPair();
    const client = new WebSocket(null, undefined, { closeTimeout: 5_000 });
    keep(client);
    const answered = new Promise<string>((resolve) => {
      mine.once("data", (chunk: Buffer) => {
        resolve(chunk.toString());
        client._isServer = false;
        client.setSocket(mine, Buffer.from([]), { maxPayload: 0 });
      });
    });
    const request = {
      method: "GET",
      url: "/",
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": 13,
        "sec-websocket-key": KEY,
      },
    };
    wss.handleUpgrade(request as never, its, Buffer.from([]), (peer) => {
      wss.emit("connection", peer, request);
    });
    return { client, answered };
  }

  test("opens a client over a stream with a manual handshake", async () => {
    const wss = noServer();
    wss.on("connection", (peer: WebSocket) => {
      peer.on("message", (data: Buffer) => peer.send(`echo ${String(data)}`));
    });
    const { client, answered } = inject(wss);
    const opened = next(client, "open");
    expect(await answered).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    await opened;
    expect(client.readyState).toBe(1);
    client.send("hi");
    expect(await text(client)).toBe("echo hi");
    const end = closed(client);
    client.close(4000, "bye");
    expect(await end).toEqual({ code: 4000, reason: "bye", readyState: 3 });
  });

  test("does not lose data of a stream that is already flowing", async () => {
    const [mine, its] = duplexPair();
    mine.on("data", () => {});
    await turns(1);
    const client = keep(new WebSocket(null, undefined, {}));
    client._isServer = false;
    client.setSocket(mine, Buffer.alloc(0), {});
    const heard = text(client);
    its.write(Buffer.from([0x81, 2, 0x68, 0x69]));
    expect(await heard).toBe("hi");
  });

  test("emits 'open' synchronously", () => {
    const [socket] = duplexPair();
    const client = keep(new WebSocket(null, undefined, {}));
    const seen: number[] = [];
    client.on("open", () => seen.push(client.readyState));
    client.setSocket(socket, Buffer.alloc(0), {});
    expect(seen).toEqual([1]);
  });

  test("removes the stream's idle timeout and delay, if it supports them", () => {
    const [socket] = duplexPair();
    const seen: unknown[] = [];
    Object.assign(socket, {
      setTimeout: (...given: unknown[]) => seen.push("setTimeout", ...given),
      setNoDelay: () => seen.push("setNoDelay"),
    });
    keep(new WebSocket(null, undefined, {})).setSocket(socket, Buffer.alloc(0), {});
    expect(seen).toEqual(["setTimeout", 0, "setNoDelay"]);
  });
});
