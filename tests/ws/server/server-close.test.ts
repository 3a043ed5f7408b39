import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "../../rigs/ws/implementation.ts";
import { closed, connect, endWithTest, listen, next, openPair, turns } from "../../rigs/ws/rig.ts";
import { SlowPipe } from "../../rigs/ws/memory-stream.ts";

describe("close() of a server", () => {
  test("may be called repeatedly, and calls back once", async () => {
    const { wss } = await listen();
    let count = 0;
    wss.on("close", () => (count += 1));
    const told = [0, 1, 2].map(
      () => new Promise((resolve) => wss.close((error) => resolve(error))),
    );
    expect(await Promise.all(told)).toEqual([undefined, undefined, undefined]);
    expect(count).toBe(1);
  });

  test("calls back with an error after it has closed, and 'close' is emitted again", async () => {
    const { wss } = await listen();
    await new Promise<void>((resolve) => wss.close(() => resolve()));
    const again = next(wss, "close");
    const error = await new Promise((resolve) => wss.close(resolve));
    expect(error).toEqual(new Error("The server is not running"));
    await again;
  });

  test("keeps the clients, and waits for them", async () => {
    const { client, peer, wss } = await openPair();
    let isClosed = false;
    const end = new Promise<void>((resolve) => wss.close(() => resolve()));
    wss.on("close", () => (isClosed = true));
    await turns(20);
    expect([isClosed, peer.readyState]).toEqual([false, 1]);
    client.close();
    await end;
    expect(peer.readyState).toBeGreaterThan(1);
  });

  test("with its own HTTP server, completes after that server has closed", async () => {
    const { wss } = await listen();
    const order: string[] = [];
    wss._server!.on("close", () => order.push("http"));
    wss.on("close", () => order.push("ws"));
    wss.close();
    wss.close();
    await next(wss, "close");
    expect(order).toEqual(["http", "ws"]);
  });

  test("leaves another HTTP server unchanged, without listeners", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const EVENTS = ["listening", "upgrade", "error"];
    const before = EVENTS.map((event) => server.listeners(event));
    const wss = new WebSocketServer({ server });
    for (const event of EVENTS) expect(server.listenerCount(event)).toBeGreaterThan(0);
    await new Promise<void>((resolve) => wss.close(() => resolve()));
    expect(EVENTS.map((event) => server.listeners(event))).toEqual(before);
    expect(server.listening).toBe(true);
  });

  test("without a server, completes in a later turn, even with clientTracking false", async () => {
    for (const clientTracking of [true, false]) {
      const wss = new WebSocketServer({ noServer: true, clientTracking });
      let isClosed = false;
      const end = new Promise<void>((resolve) => wss.close(() => resolve()));
      wss.on("close", () => (isClosed = true));
      expect(isClosed).toBe(false);
      await end;
    }
  });

  test("without a server of its own, waits for the last client", async () => {
    const wss = new WebSocketServer({ noServer: true });
    endWithTest(wss);
    const pipe = new SlowPipe();
    const peer = await pipe.upgrade(wss);
    const order: string[] = [];
    peer.on("close", () => order.push("client"));
    const end = new Promise<void>((resolve) => {
      wss.close(() => {
        order.push("server");
        resolve();
      });
    });
    await turns(5);
    expect(order).toEqual([]);
    const gone = closed(peer);
    peer.terminate();
    await gone;
    await end;
    expect(order).toEqual(["client", "server"]);
  });

  test("refuses pending handshakes with 503", async () => {
    const server = createServer();
    const wss = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      wss.close();
      wss.handleUpgrade(request, socket, head, () => expect.unreachable());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const client = connect(`ws://127.0.0.1:${port}`);
    const [, response] = await next(client, "unexpected-response");
    expect((response as { statusCode: number }).statusCode).toBe(503);
  });
});
