import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { listening, load, type Untyped } from "./dependents.ts";

const Y = load("yjs");
const { WebsocketProvider } = load("y-websocket");
const { setupWSConnection } = load("@y/websocket-server/utils");
const WebSocket = load("ws");

async function openServer(): Promise<string> {
  const http = createServer();
  const server = new WebSocket.Server({ noServer: true });
  server.on("connection", setupWSConnection);
  http.on("upgrade", (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (client: Untyped) => {
      server.emit("connection", client, request);
    });
  });
  return `ws://127.0.0.1:${await listening(http)}`;
}

async function openDocument(url: string): Promise<Untyped> {
  const document = new Y.Doc();
  const options = { WebSocketPolyfill: WebSocket, disableBc: true };
  const provider = new WebsocketProvider(url, "room", document, options);
  onTestFinished(() => provider.destroy());
  await new Promise<void>((resolve) => {
    provider.on("sync", (isSynced: boolean) => isSynced && resolve());
  });
  return document;
}

function until(document: Untyped, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      document.off("update", look);
      resolve();
    };
    document.on("update", look);
    look();
  });
}

describe("y-websocket and @y/websocket-server", () => {
  test("two documents that are edited concurrently become equal", async () => {
    const url = await openServer();
    const [one, other] = await Promise.all([openDocument(url), openDocument(url)]);
    one.getText("t").insert(0, "hello ");
    other.getMap("m").set("key", { n: 1 });
    await until(other, () => other.getText("t").toString() === "hello ");
    other.getText("t").insert(6, "wörld");
    await until(one, () => one.getText("t").toString() === "hello wörld");
    await until(one, () => one.getMap("m").has("key"));
    expect(one.getMap("m").get("key")).toEqual({ n: 1 });
    expect(one.getText("t").toString()).toBe(other.getText("t").toString());
  });

  test("a document that connects later receives everything", async () => {
    const url = await openServer();
    const first = await openDocument(url);
    const list = Array.from({ length: 5_000 }, (_, n) => n);
    first.getArray("a").push(list);
    const late = await openDocument(url);
    await until(late, () => late.getArray("a").length === list.length);
    expect(late.getArray("a").toArray()).toEqual(list);
  });
});
