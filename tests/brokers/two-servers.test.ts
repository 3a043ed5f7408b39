import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import { RedisBroker } from "../../src/brokers/redis/index.ts";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type Live } from "../../src/live/client/index.ts";
import { keyedTopic, logTopic, type Broker } from "../../src/live/index.ts";
import { RunningLive } from "../rigs/live/running-live.ts";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { RedisServer } from "../rigs/brokers/redis-server.ts";

afterAll(() => stopEngines());

const topics = [
  logTopic("news", { clientPublish: true, presence: { graceMs: 100 } }),
  keyedTopic("devices", { clientPublish: true }),
  keyedTopic("owned", { clientPublish: true, keyLifetime: "connection" }),
  logTopic("rooms/:room", { clientPublish: true }),
];

interface Engine {
  /** One that keeps what it has acknowledged. */
  start: () => Promise<NatsServer | RedisServer>;
  open: (url: string) => Promise<Broker>;
}

const engines: Record<string, Engine> = {
  NATS: {
    start: () => NatsServer.start(),
    open: (url) => NatsBroker.open({ url, longestRetryMs: 100 }),
  },
  Redis: {
    start: () => RedisServer.start({ durable: true }),
    open: (url) => RedisBroker.open({ url, longestRetryMs: 100 }),
  },
};

/** A node: a live server with a broker of its own, on a real port. */
async function node({ open }: Engine, url: string): Promise<RunningLive> {
  return RunningLive.start({ topics, broker: await open(url), onError: () => {} });
}

interface Client {
  live: Live;
  /** Goes to this node from the next connection on. */
  moveTo: (to: RunningLive) => void;
  sockets: WebSocket[];
}

function client(at: RunningLive): Client {
  let target = at;
  const sockets: WebSocket[] = [];
  const live = connect(at.url(), {
    webSocket: class extends WebSocket {
      constructor(_url: string, protocol: string) {
        super(target.url(), protocol);
        sockets.push(this);
      }
    },
    backoff: { firstMs: 20, longestMs: 100 },
  });
  onTestFinished(() => live.close());
  const moveTo = (to: RunningLive): void => {
    target = to;
    sockets.at(-1)?.close();
  };
  return { live, moveTo, sockets };
}

function collect(live: Live, topic: string): unknown[] {
  const items: unknown[] = [];
  onTestFinished(live.topic(topic).subscribe((item) => void items.push(item)));
  return items;
}

async function isLive(live: Live): Promise<void> {
  await eventually(() => live.status.state).toBe("live");
}

describe.each(Object.keys(engines))("two servers on one %s", (name) => {
  const engine = engines[name]!;

  test("a client that moves between them during publishes receives every event once and in order", async () => {
    const server = await engine.start();
    const nodes = [await node(engine, server.url), await node(engine, server.url)];
    const mover = client(nodes[0]!);
    const items = collect(mover.live, "news");
    await isLive(mover.live);
    const writers = nodes.map((at) => client(at).live);
    const published: Promise<unknown>[] = [];
    let moves = 0;
    for (let n = 0; n < 200; n += 1) {
      published.push(writers[n % 2]!.publish("news", n));
      if (n % 25 === 24) {
        mover.moveTo(nodes[Math.floor(n / 25) % 2]!);
        moves += 1;
        await eventually(() => mover.sockets.length).toBe(moves + 1);
        await Promise.all(published);
      }
    }
    await Promise.all(published);
    await eventually(() => items.length).toBe(200);
    const events = items as { type: string; offset: number; data: number }[];
    expect(events.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 200 }, (_, n) => n + 1),
    );
    expect(events.map(({ data }) => data).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, n) => n),
    );
    expect(moves).toBe(8);
  });

  test("a keyed view is the same on both, topics of a pattern open where they are used, and presence covers both", async () => {
    const server = await engine.start();
    const nodes = [await node(engine, server.url), await node(engine, server.url)];
    const [one, two] = nodes.map((at) => client(at).live) as [Live, Live];
    const views = [one.topic("devices"), two.topic("devices")];
    for (const view of views) onTestFinished(view.subscribe(() => {}));
    await one.set("devices", "a", 1);
    await two.set("devices", "b", 2);
    await one.set("devices", "b", 3);
    for (const view of views) {
      await eventually(() => [...view.entries]).toEqual([
        ["a", 1],
        ["b", 3],
      ]);
    }
    const items = collect(two, "rooms/a");
    await isLive(two);
    await one.publish("rooms/a", "hello");
    await eventually(() => items).toMatchObject([{ data: "hello" }]);
    const readers = [collect(one, "news"), collect(two, "news")];
    expect(readers).toHaveLength(2);
    const present = one.topic("news/$presence");
    onTestFinished(present.subscribe(() => {}));
    await eventually(() => present.entries.size).toBe(2);
    two.close();
    await eventually(() => present.entries.size).toBe(1);
  });

  test("it returns empty: clients stay connected and are notified, views are emptied, and everything continues", async () => {
    const server = await engine.start();
    const nodes = [await node(engine, server.url), await node(engine, server.url)];
    const reader = client(nodes[0]!);
    const items = collect(reader.live, "news");
    const view = reader.live.topic("devices");
    onTestFinished(view.subscribe(() => {}));
    const present = reader.live.topic("news/$presence");
    onTestFinished(present.subscribe(() => {}));
    const page = await nodes[0]!.level0("devices?x=1");
    const closed = page.closed;
    const heard: unknown[] = [];
    nodes[0]!.live.topic("devices").onEvent(({ key, data }) => heard.push([key, data]));
    const poll = nodes[0]!.live.topic("news").position;
    await isLive(reader.live);
    const writer = client(nodes[1]!).live;
    await writer.publish("news", "before");
    await writer.set("devices", "a", 1);
    await eventually(() => [items.length, view.entries.size, present.entries.size]).toEqual([
      1, 1, 1,
    ]);
    const waiting = fetch(nodes[0]!.http(`news?wait=20&epoch=${poll.epoch}&offset=1`)).then(
      ({ status }) => status,
    );
    const stream = await fetch(nodes[0]!.http("news"), {
      headers: { accept: "text/event-stream" },
    });
    await server.kill();
    // It is repeated until it is taken: by the new log, once.
    const after = writer.publish("news", "after");
    server.empty();
    await server.restart();
    expect(await after).toEqual({ offset: 1, duplicate: false });
    // Events that the new log has when the client resubscribes are covered by the gap.
    await eventually(() => items[1]).toMatchObject({ type: "gap", reason: "epoch" });
    await writer.publish("news", "later");
    await eventually(() => items.at(-1)).toMatchObject({ type: "event", data: "later", offset: 2 });
    await eventually(() => [...view.entries]).toEqual([]);
    await writer.set("devices", "b", 2);
    await eventually(() => [...view.entries]).toEqual([["b", 2]]);
    await eventually(() => present.entries.size).toBe(1);
    expect(reader.sockets).toHaveLength(1);
    expect(heard).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    // Clients that have no message for a new epoch are closed, so that they connect again.
    expect(await closed).toMatchObject({ code: 1012 });
    expect(await waiting).toBe(304);
    expect(await stream.text()).toContain('"type":"position"');
  });

  test("it is unreachable for a while: clients stay connected, their publishes wait, and each is stored once", async () => {
    const server = await engine.start();
    const nodes = [await node(engine, server.url), await node(engine, server.url)];
    const reader = client(nodes[0]!);
    const items = collect(reader.live, "news");
    await isLive(reader.live);
    const writer = client(nodes[1]!);
    for (let round = 0; round < 3; round += 1) {
      const published = Array.from({ length: 30 }, (_, n) =>
        writer.live.publish("news", round * 30 + n),
      );
      await server.kill();
      await server.restart();
      await Promise.all(published);
    }
    await eventually(() => items.length).toBe(90);
    const events = items as { type: string; offset: number; data: number }[];
    expect(events.map(({ offset }) => offset)).toEqual(Array.from({ length: 90 }, (_, n) => n + 1));
    expect(events.map(({ data }) => data).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 90 }, (_, n) => n),
    );
    expect([reader.sockets.length, writer.sockets.length]).toEqual([1, 1]);
  });

  test("a connection-owned key ends with its connection, whichever node follows it", async () => {
    const server = await engine.start();
    const nodes = [await node(engine, server.url), await node(engine, server.url)];
    const [one, two] = nodes.map((at) => client(at).live) as [Live, Live];
    const view = two.topic("owned");
    onTestFinished(view.subscribe(() => {}));
    await one.set("owned", "a", 1);
    await eventually(() => view.entries.size).toBe(1);
    one.close();
    await eventually(() => view.entries.size).toBe(0);
  });
});
