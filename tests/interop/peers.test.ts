import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket as UndiciSocket } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket as WsSocket, WebSocketServer as WsServer } from "ws";
import { WebSocket } from "../../src/client/index.ts";
import { echo, runServer } from "../rigs/sockets/run-server.ts";

/** The messages for every pair: each length form, both kinds, every width of UTF-8. */
const MESSAGES: (string | Uint8Array)[] = [
  "",
  "hello",
  "grüße, 世界, 🙂",
  "x".repeat(125),
  "x".repeat(126),
  "é".repeat(40_000),
  new Uint8Array(0),
  Uint8Array.from({ length: 65_535 }, (_, index) => index),
  Uint8Array.from({ length: 65_536 }, (_, index) => index),
  new Uint8Array(3_000_000).fill(7),
];

/** The part of the WHATWG interface that all these clients have. */
interface Client {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null;
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
}

async function checkEcho(client: Client): Promise<void> {
  client.binaryType = "arraybuffer";
  const received: unknown[] = [];
  await new Promise((resolve) => (client.onopen = resolve));
  const all = new Promise<void>((resolve) => {
    client.onmessage = ({ data }) => {
      received.push(data);
      if (received.length === MESSAGES.length) resolve();
    };
  });
  for (const message of MESSAGES) client.send(message);
  await all;
  for (const [index, message] of MESSAGES.entries()) {
    const came = received[index];
    if (typeof message === "string") expect(came).toBe(message);
    else expect(Buffer.compare(Buffer.from(came as ArrayBuffer), message)).toBe(0);
  }
  const closed = new Promise<{ code: number; reason: string; wasClean: boolean }>((resolve) => {
    client.onclose = resolve;
  });
  client.close(3456, "enough ✓");
  expect(await closed).toMatchObject({ code: 3456, reason: "enough ✓", wasClean: true });
}

async function runWsServer(): Promise<string> {
  const server = new WsServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("both ends with other implementations", () => {
  test("Longwire's client and server", async () => {
    const { url } = await runServer(echo);
    await checkEcho(new WebSocket(url));
  });

  test("Longwire's client and the server of ws", async () => {
    await checkEcho(new WebSocket(await runWsServer()));
  });

  test("the client of ws, which offers permessage-deflate, and Longwire's server", async () => {
    const { url } = await runServer(echo);
    await checkEcho(new WsSocket(url) as unknown as Client);
  });

  test("the client of undici and Longwire's server", async () => {
    const { url } = await runServer(echo);
    await checkEcho(new UndiciSocket(url) as unknown as Client);
  });

  test("ws's pings are answered, and its fragments joined", async () => {
    const { url } = await runServer(echo);
    const socket = new WsSocket(url);
    await once(socket, "open");
    socket.ping("beat");
    expect(String((await once(socket, "pong"))[0])).toBe("beat");
    socket.send("one ", { fin: false });
    socket.ping();
    socket.send("two", { fin: true });
    const [data] = (await once(socket, "message")) as [Buffer];
    expect(data.toString()).toBe("one two");
    socket.terminate();
  });
});
