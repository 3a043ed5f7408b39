import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { keyedTopic, type Broker } from "../../../../src/live/index.ts";
import { KeyOwners } from "../../../../src/live/server/keys/key-owners.ts";
import { Topic } from "../../../../src/topics/topic.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { LEVEL_1 } from "../../../rigs/live/live-client.ts";
import { RunningLive, type LiveOptions } from "../../../rigs/live/running-live.ts";

const declaration = keyedTopic("online", {
  clientPublish: true,
  keyLifetime: "connection",
  leaseMs: 5_000,
});

const start = (options: Partial<LiveOptions> = {}): Promise<RunningLive> =>
  RunningLive.start({
    topics: [declaration, keyedTopic("kept", { clientPublish: true })],
    ...options,
  });

const set = { type: "publish", id: 1, topic: "online", key: "ap-1", data: 1 };

describe('keys of a topic with keyLifetime "connection"', () => {
  test("are removed when the connection that set them closes; those of other topics stay", async () => {
    const live = await start();
    const client = await live.level1();
    await client.ask(set);
    await client.ask({ ...set, topic: "kept" });
    client.close();
    await expect.poll(() => live.topic("online").get("ap-1")).toBeUndefined();
    expect(live.topic("kept").get("ap-1")).toBe(1);
  });

  test("are removed when the connection is cut", async () => {
    const live = await start();
    const socket = new WebSocket(live.url(), LEVEL_1);
    socket.on("open", () => socket.send(JSON.stringify(set)));
    await expect.poll(() => live.topic("online").get("ap-1")).toBe(1);
    socket.terminate();
    await expect.poll(() => live.topic("online").get("ap-1")).toBeUndefined();
  });

  test("stay if a newer connection has set them, until that one ends", async () => {
    const live = await start();
    const old = await live.level1();
    const fresh = await live.level1();
    await old.ask(set);
    await old.ask({ ...set, key: "ap-2" });
    await fresh.ask({ ...set, data: 2 });
    old.close();
    await expect.poll(() => live.topic("online").get("ap-2")).toBeUndefined();
    expect(live.topic("online").get("ap-1")).toBe(2);
    fresh.close();
    await expect.poll(() => live.topic("online").get("ap-1")).toBeUndefined();
  });

  test("are not removed again if another client removed them", async () => {
    const live = await start();
    const owner = await live.level1();
    const other = await live.level1();
    await owner.ask(set);
    await owner.ask({ ...set, key: "ap-2" });
    await other.ask({ type: "publish", id: 2, topic: "online", key: "ap-1", remove: true });
    owner.close();
    await expect.poll(() => live.topic("online").get("ap-2")).toBeUndefined();
    expect(live.topic("online").position.offset).toBe(4);
  });

  test("live for the lease after the last time if they are set over HTTP", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock, broker: new MemoryBroker({ clock }) });
    const post = (): Promise<Response> =>
      fetch(live.http("online"), {
        method: "POST",
        body: JSON.stringify({ key: "ap-1", data: 1 }),
      });
    expect((await post()).status).toBe(201);
    clock.advance(4_000);
    await post();
    clock.advance(4_900);
    expect(live.topic("online").get("ap-1")).toBe(1);
    clock.advance(300);
    expect(live.topic("online").get("ap-1")).toBeUndefined();
  });

  test("of a crashed server live for its lease, which is renewed three times per lease", async () => {
    const clock = new VirtualClock();
    const memory = new MemoryBroker({ clock });
    let isDead = false;
    const renewals: number[] = [];
    const broker: Broker = {
      openTopic: async (topic, follow) => {
        const opened = await memory.openTopic(topic, follow);
        const lease: typeof opened.lease = async (held, leaseMs) => {
          if (isDead || held.length === 0) return;
          renewals.push(clock.now());
          await opened.lease(held, leaseMs);
        };
        return { ...opened, lease };
      },
      close: () => memory.close(),
    };
    const live = await start({ clock, broker, serverLeaseMs: 9_000 });
    const owner = await live.level1();
    await owner.ask(set);
    const before = clock.now();
    clock.advance(30_000);
    expect(renewals.map((at) => at - before).slice(0, 3)).toEqual([3_000, 6_000, 9_000]);
    expect(live.topic("online").get("ap-1")).toBe(1);
    isDead = true;
    clock.advance(8_900);
    expect(live.topic("online").get("ap-1")).toBe(1);
    clock.advance(100);
    expect(live.topic("online").get("ap-1")).toBeUndefined();
  });

  test("live with the connection if they are set over HTTP and then by a connection", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock });
    const body = JSON.stringify({ key: "ap-1", data: 1 });
    await fetch(live.http("online"), { method: "POST", body });
    const client = await live.level1();
    await client.ask({ ...set, data: 2 });
    clock.advance(60_000);
    expect(live.topic("online").get("ap-1")).toBe(2);
  });
});

describe("ownership of a key with overlapping operations", () => {
  async function owned(): Promise<{ topic: Topic; owners: KeyOwners; clock: VirtualClock }> {
    const clock = new VirtualClock();
    const source = { clock, report: (error: unknown) => expect.unreachable(String(error)) };
    const topic = await Topic.open(declaration, new MemoryBroker({ clock }), source);
    const owners = new KeyOwners(source.report, 75_000);
    return { topic, owners, clock };
  }
  const key = "k";

  test("if an old connection ends between a newer one's set and its acknowledgement, the key stays", async () => {
    const { topic, owners } = await owned();
    const [old, fresh] = [{ hasEnded: false }, { hasEnded: false }];
    const first = await topic.append({ key, data: 1 });
    owners.setBy(old, { topic, key, offset: first.offset });
    const second = await topic.append({ key, data: 2 });
    owners.end(old);
    owners.setBy(fresh, { topic, key, offset: second.offset });
    expect(topic.newest(key)).toMatchObject({ removed: false, data: 2 });
    owners.end(fresh);
    expect(topic.newest(key)).toMatchObject({ removed: true });
  });

  test("if acknowledgements overlap, the log decides who owns the key", async () => {
    const { topic, owners } = await owned();
    const [one, two] = [{ hasEnded: false }, { hasEnded: false }];
    const first = await topic.append({ key, data: 1 });
    const second = await topic.append({ key, data: 2 });
    owners.setBy(two, { topic, key, offset: second.offset });
    owners.setBy(one, { topic, key, offset: first.offset });
    owners.end(one);
    expect(topic.newest(key)).toMatchObject({ removed: false });
    owners.end(two);
    expect(topic.newest(key)).toMatchObject({ removed: true });
  });

  test("a connection that ended before its set was acknowledged leaves no key behind", async () => {
    const { topic, owners } = await owned();
    const { offset } = await topic.append({ key, data: 1 });
    owners.setBy({ hasEnded: true }, { topic, key, offset });
    expect(topic.newest(key)).toMatchObject({ removed: true });
  });

  test("a lease that expires does not remove what the server's own code has set since", async () => {
    const { topic, clock } = await owned();
    await topic.append({ key, data: 1, leaseMs: 5_000 });
    await topic.append({ key, data: 2 });
    clock.advance(10_000);
    expect(topic.newest(key)).toMatchObject({ removed: false });
  });

  test("the broker removes the keys of a crashed server after 75 s", async () => {
    const { topic, clock } = await owned();
    await topic.append({ key, data: 1, leaseMs: 75_000 });
    clock.advance(74_999);
    expect(topic.newest(key)).toMatchObject({ removed: false });
    clock.advance(1);
    expect(topic.newest(key)).toMatchObject({ removed: true });
  });

  test("a renewed lease continues, and one of an older value does not", async () => {
    const { topic, owners, clock } = await owned();
    const { offset } = await topic.append({ key, data: 1, leaseMs: 75_000 });
    owners.setBy({ hasEnded: false }, { topic, key, offset });
    clock.advance(50_000);
    owners.renewLeases();
    clock.advance(50_000);
    expect(topic.newest(key)).toMatchObject({ removed: false });
    await topic.lease([{ key, offset: offset - 1 }], 500_000);
    clock.advance(25_000);
    expect(topic.newest(key)).toMatchObject({ removed: true });
  });
});
