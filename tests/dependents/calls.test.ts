import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { listening, load, next, type Untyped } from "./dependents.ts";

const WebSocket = load("ws");

describe("@trpc/server", () => {
  async function open(): Promise<Untyped> {
    const { initTRPC } = load("@trpc/server");
    const { applyWSSHandler } = load("@trpc/server/adapters/ws");
    const { createTRPCClient, createWSClient, wsLink } = load("@trpc/client");
    const t = initTRPC.create();
    const router = t.router({
      double: t.procedure
        .input((value: unknown) => Number(value))
        .query(({ input }: Untyped) => input * 2),
      count: t.procedure.subscription(async function* () {
        for (let n = 1; n <= 50; n += 1) yield n;
      }),
    });
    const http = createServer();
    const wss = new WebSocket.Server({ server: http });
    const handler = applyWSSHandler({ wss, router, keepAlive: { enabled: true } });
    const port = await listening(http);
    onTestFinished(() => handler.broadcastReconnectNotification());
    const url = `ws://127.0.0.1:${port}`;
    const client = createWSClient({ url, WebSocket });
    onTestFinished(() => client.close());
    return createTRPCClient({ links: [wsLink({ client })] });
  }

  test("a query is answered", async () => {
    const client = await open();
    expect(await client.double.query(21)).toBe(42);
  });

  test("a subscription receives all its events in order", async () => {
    const client = await open();
    const seen: number[] = [];
    await new Promise<void>((resolve, reject) => {
      client.count.subscribe(undefined, {
        onData: (n: number) => seen.push(n),
        onComplete: resolve,
        onError: reject,
      });
    });
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  });
});

describe("rpc-websockets", () => {
  test("calls are answered, and events reach the caller", async () => {
    const { Client, Server } = load("rpc-websockets");
    const server = new Server({ port: 0, host: "127.0.0.1" });
    await next(server, "listening");
    onTestFinished(() => server.close());
    server.register("sum", ([a, b]: number[]) => a! + b!);
    server.event("news");
    const client = new Client(`ws://127.0.0.1:${server.wss.address().port}`, { reconnect: false });
    await next(client, "open");
    onTestFinished(() => client.close());
    expect(await client.call("sum", [5, 3])).toBe(8);
    await expect(client.call("unknown")).rejects.toMatchObject({ code: -32601 });
    await client.subscribe("news");
    const news = next(client, "news");
    server.emit("news", { text: "ö" });
    expect((await news)[0]).toEqual({ text: "ö" });
  });
});

describe("peer", () => {
  test("two clients find each other, and an offer reaches the other", async () => {
    const { ExpressPeerServer } = load("peer");
    const app = load("express")();
    const http = createServer(app);
    app.use("/", ExpressPeerServer(http, { path: "/", key: "k" }));
    const port = await listening(http);
    const connect = async (id: string): Promise<Untyped> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/peerjs?key=k&id=${id}&token=t${id}`);
      const [greeting] = await next(socket, "message");
      expect(JSON.parse(String(greeting))).toEqual({ type: "OPEN" });
      onTestFinished(() => socket.terminate());
      return socket;
    };
    const [one, other] = await Promise.all([connect("one"), connect("other")]);
    const offered = next(other, "message");
    one.send(JSON.stringify({ type: "OFFER", dst: "other", payload: { sdp: "ö" } }));
    expect(JSON.parse(String((await offered)[0]))).toMatchObject({
      type: "OFFER",
      src: "one",
      payload: { sdp: "ö" },
    });
  });
});
