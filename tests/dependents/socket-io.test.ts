import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { listening, load, next, type Untyped } from "./dependents.ts";

const { Server } = load("socket.io");
const { io } = load("socket.io-client");

async function open(options: object = {}): Promise<{ server: Untyped; url: string }> {
  const http = createServer();
  const server = new Server(http, { transports: ["websocket"], ...options });
  const port = await listening(http);
  onTestFinished(() => server.close());
  return { server, url: `http://127.0.0.1:${port}` };
}

async function connected(url: string, options: object = {}): Promise<Untyped> {
  const client = io(url, { transports: ["websocket"], reconnection: false, ...options });
  onTestFinished(() => client.disconnect());
  await new Promise<void>((resolve, reject) => {
    client.once("connect", resolve);
    client.once("connect_error", reject);
  });
  return client;
}

describe("socket.io", () => {
  test("answers an event with an acknowledgement of text and bytes", async () => {
    const { server, url } = await open();
    server.on("connection", (socket: Untyped) => {
      socket.on("double", ({ text, bytes }: Untyped, answer: Untyped) => {
        answer({ text: text + text, bytes: Buffer.concat([bytes, bytes]) });
      });
    });
    const client = await connected(url);
    const answer = await client.emitWithAck("double", { text: "é", bytes: Buffer.from([1, 255]) });
    expect(answer.text).toBe("éé");
    expect([...answer.bytes]).toEqual([1, 255, 1, 255]);
  });

  test.each([false, { threshold: 0 }])(
    "a broadcast reaches exactly the clients in its room (perMessageDeflate %o)",
    async (perMessageDeflate) => {
      const { server, url } = await open({ perMessageDeflate });
      server.on("connection", (socket: Untyped) => {
        if (socket.handshake.query.in === "yes") void socket.join("room");
      });
      const inside = await Promise.all(
        Array.from({ length: 20 }, () => connected(url, { query: { in: "yes" }, forceNew: true })),
      );
      const outside = await connected(url, { query: { in: "no" }, forceNew: true });
      const strays: unknown[] = [];
      outside.on("news", (news: unknown) => strays.push(news));
      const heard = inside.map((client) => next(client, "news"));
      const news = { n: 7, text: "ö".repeat(2_000) };
      server.to("room").emit("news", news);
      expect(await Promise.all(heard)).toEqual(inside.map(() => [news]));
      server.emit("end");
      await next(outside, "end");
      expect(strays).toEqual([]);
    },
  );

  test("switches to WebSocket after long polling", async () => {
    const { server, url } = await open({ transports: ["polling", "websocket"] });
    server.on("connection", (socket: Untyped) => {
      socket.on("which", (answer: Untyped) => answer(socket.conn.transport.name));
    });
    const client = await connected(url, { transports: ["polling", "websocket"] });
    if (client.io.engine.transport.name !== "websocket") await next(client.io.engine, "upgrade");
    expect(await client.emitWithAck("which")).toBe("websocket");
  });

  test("a message beyond maxHttpBufferSize ends the connection and is not delivered", async () => {
    const { server, url } = await open({ maxHttpBufferSize: 1_000 });
    const delivered: unknown[] = [];
    server.on("connection", (socket: Untyped) => {
      socket.on("long", (text: string) => delivered.push(text));
    });
    const client = await connected(url);
    client.emit("long", "x".repeat(2_000));
    await new Promise((resolve) => client.once("disconnect", resolve));
    expect(delivered).toEqual([]);
  });
});
