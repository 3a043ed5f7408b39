import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { handle } from "../../../src/live/client/answering/index.ts";
import { WebSocket } from "../../../src/client/index.ts";
import { clientMethod, keyedTopic, logTopic, matchFields } from "../../../src/live/index.ts";
import { connect, type ConnectOptions, type Live } from "../../../src/live/client/index.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";

const topics = [
  logTopic("news", { clientPublish: true, match: matchFields }),
  keyedTopic("devices", { clientPublish: true, match: matchFields }),
];

/** The sockets of a client, so that a test can cut them. */
function openClient(running: RunningLive, options: ConnectOptions = {}) {
  const sockets: WebSocket[] = [];
  const live: Live = connect(running.url(), {
    webSocket: class extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        sockets.push(this);
      }
    },
    backoff: { firstMs: 0 },
    ...options,
  });
  onTestFinished(() => live.close());
  return { live, cut: () => sockets.at(-1)!.close(), sockets };
}

async function reach(live: Live, state: string): Promise<void> {
  if (live.status.state === state) return;
  await new Promise<void>((resolve) => {
    const stop = live.onStatus((status) => {
      if (status.state !== state) return;
      stop();
      resolve();
    });
  });
}

async function take<Item>(feed: AsyncIterable<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of feed) if (items.push(item) === count) break;
  return items;
}

test("an event published by one client reaches another", async () => {
  const running = await RunningLive.start({ topics });
  const reader = openClient(running).live;
  const items = take(reader.topic("news"), 2);
  await reach(reader, "catching-up");
  await reach(reader, "live");
  const writer = openClient(running).live;
  const first = await writer.publish("news", { headline: "a" });
  const again = await writer.publish("news", { headline: "b" }, { idempotencyKey: "once" });
  const repeated = await writer.publish("news", { headline: "b" }, { idempotencyKey: "once" });
  expect([first.duplicate, again.duplicate, repeated.duplicate]).toEqual([false, false, true]);
  expect(repeated.offset).toBe(again.offset);
  expect(await items).toEqual([
    { type: "event", offset: first.offset, data: { headline: "a" } },
    { type: "event", offset: again.offset, data: { headline: "b" } },
  ]);
});

test("a log topic continues after a lost connection, with nothing missing or duplicated", async () => {
  const running = await RunningLive.start({ topics });
  const { live, cut } = openClient(running);
  const items = take(live.topic("news"), 30);
  await reach(live, "live");
  for (let n = 0; n < 30; n += 1) {
    if (n % 10 === 5) {
      cut();
      await reach(live, "connecting");
    }
    await running.topic("news").publish({ n });
  }
  expect((await items).map((item) => (item as { data: unknown }).data)).toEqual(
    Array.from({ length: 30 }, (_, n) => ({ n })),
  );
});

test("a keyed topic's entries equal its state after a lost connection", async () => {
  const running = await RunningLive.start({ topics });
  const { live, cut } = openClient(running);
  for (const key of ["a", "b", "c"]) await running.topic("devices").set(key, { key, n: 1 });
  const feed = live.topic("devices");
  onTestFinished(feed.onChange(() => {}));
  await reach(live, "catching-up");
  await reach(live, "live");
  expect([...feed.entries.keys()]).toEqual(["a", "b", "c"]);
  cut();
  await reach(live, "connecting");
  await running.topic("devices").remove("b");
  await running.topic("devices").set("a", { key: "a", n: 2 });
  await reach(live, "live");
  expect(Object.fromEntries(feed.entries)).toEqual({
    a: { key: "a", n: 2 },
    c: { key: "c", n: 1 },
  });
});

test("two feeds of one topic with different params both receive it", async () => {
  const running = await RunningLive.start({ topics });
  const { live, sockets } = openClient(running);
  const aps = take(live.topic("devices", { type: "AP" }), 1);
  const switches = take(live.topic("devices", { type: "switch" }), 1);
  await live.set("devices", "1", { type: "AP" });
  await live.set("devices", "2", { type: "switch" });
  expect(await aps).toMatchObject([{ key: "1" }]);
  expect(await switches).toMatchObject([{ key: "2" }]);
  expect(sockets).toHaveLength(2);
});

test("a feed that the server refuses ends, and the others continue", async () => {
  const running = await RunningLive.start({ topics });
  const { live } = openClient(running);
  const news = take(live.topic("news"), 1);
  await expect(take(live.topic("nonsense"), 1)).rejects.toMatchObject({ code: "unknown_topic" });
  await reach(live, "live");
  await live.publish("news", 1);
  expect(await news).toMatchObject([{ data: 1 }]);
});

test("the status says why an attempt failed: a refusal, no TLS, nobody listening", async () => {
  const refusing = createServer((_, response) => response.writeHead(404).end());
  refusing.on("upgrade", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));
  await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
  const { port } = refusing.address() as AddressInfo;
  const failure = async (url: string) => {
    const live = connect(url, { webSocket: WebSocket });
    onTestFinished(() => live.close());
    await reach(live, "offline");
    return live.status;
  };
  const refused = await failure(`ws://127.0.0.1:${port}/live`);
  expect(refused).toMatchObject({ reason: "handshake_refused", code: 1006 });
  expect(refused).toHaveProperty("message", expect.stringContaining("403") as string);
  expect(await failure(`wss://127.0.0.1:${port}/live`)).toMatchObject({ reason: "tls_failed" });
  await new Promise((resolve) => refusing.close(resolve));
  expect(await failure(`ws://127.0.0.1:${port}/live`)).toMatchObject({ reason: "unreachable" });
});

test("the server asks a client, after each cut again, and the client answers", async () => {
  const running = await RunningLive.start({
    topics,
    clientMethods: { double: clientMethod<number, number>() },
    authenticate: () => ({ id: "ap-7" }),
  });
  const { live, cut } = openClient(running);
  handle(live, "double", (n) => (n as number) * 2);
  const ask = (n: number): Promise<unknown> => running.live.identity("ap-7").call("double", n);
  for (let n = 1; n <= 3; n += 1) {
    await vi.waitFor(async () => expect(await ask(n)).toBe(n * 2));
    cut();
  }
  await vi.waitFor(async () => expect(await ask(4)).toBe(8));
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => ask(n)));
  expect(answers).toEqual(Array.from({ length: 200 }, (_, n) => n * 2));
});
