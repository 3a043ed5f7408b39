import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields } from "../../../../src/live/index.ts";
import { MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

async function opened(): Promise<MemoryLive> {
  const live = await MemoryLive.open({
    topics: [keyedTopic("devices", { match: matchFields }), logTopic("news")],
  });
  await live.live.topic("devices").set("a", { n: 0 });
  await live.live.topic("devices").set("b", { n: 0 });
  return live;
}

const subscribe = { type: "subscribe", id: 1, topic: "devices", maxPerSecond: 2 };

interface Entry {
  key: string;
  data?: { n: number };
  removed?: true;
}

const entriesOf = (client: Guest): Entry[][] =>
  client
    .take()
    .filter(({ type }) => type === "snapshot")
    .map(({ entries }) => entries as Entry[]);

describe("maxPerSecond", () => {
  test("sends the state, and then at most so often the newest values of what has changed", async () => {
    const live = await opened();
    const client = await live.level1();
    await client.send(subscribe);
    expect(entriesOf(client)).toHaveLength(1);
    for (let n = 1; n <= 100; n += 1) {
      await live.live.topic("devices").set("a", { n });
      await live.pass(20);
    }
    const got = entriesOf(client);
    expect(got.length).toBeGreaterThanOrEqual(3);
    expect(got.length).toBeLessThanOrEqual(4);
    expect(got.every((entries) => entries.length === 1)).toBe(true);
    await live.pass(1_000);
    expect([...got, ...entriesOf(client)].at(-1)).toMatchObject([{ key: "a", data: { n: 100 } }]);
  });

  test("sends a change at once after a pause, and nothing while nothing changes", async () => {
    const live = await opened();
    const client = await live.level1();
    await client.send(subscribe);
    await live.pass(5_000);
    client.take();
    await live.live.topic("devices").remove("b");
    await live.settle();
    expect(entriesOf(client)).toMatchObject([[{ key: "b", removed: true }]]);
    await live.pass(5_000);
    expect(entriesOf(client)).toEqual([]);
  });

  test("shares nothing with readers that take every change", async () => {
    const live = await opened();
    const [slow, fast] = [await live.level1(), await live.level1()];
    await slow.send(subscribe);
    await fast.send({ ...subscribe, maxPerSecond: undefined });
    for (let n = 1; n <= 10; n += 1) await live.live.topic("devices").set("a", { n });
    await live.settle();
    expect(fast.types().filter((type) => type === "event")).toHaveLength(10);
    expect(slow.types().filter((type) => type === "event")).toHaveLength(0);
  });

  test("of a reader that came back with its position: what changed meanwhile", async () => {
    const live = await opened();
    const { epoch, offset } = live.live.topic("devices").position;
    await live.live.topic("devices").set("b", { n: 1 });
    const client = await live.level1();
    await client.send({ ...subscribe, since: { epoch, offset }, view: "all" });
    expect(entriesOf(client)).toMatchObject([[{ key: "b", data: { n: 1 } }]]);
  });

  test("its timer ends with the subscription", async () => {
    const live = await opened();
    const client = await live.level1();
    await client.send(subscribe);
    await live.live.topic("devices").set("a", { n: 1 });
    await client.send({ type: "unsubscribe", id: 2, topic: "devices" });
    client.take();
    await live.pass(2_000);
    expect(entriesOf(client)).toEqual([]);
  });

  test.each([0, -1, 11, "2", null, Number.NaN])("%s is refused", async (maxPerSecond) => {
    const live = await opened();
    const client = await live.level1();
    const refusal = await client.ask({ ...subscribe, maxPerSecond });
    expect(refusal).toMatchObject({ type: "error", code: "bad_request" });
  });

  test("is refused for a log topic, of which every event is sent", async () => {
    const live = await opened();
    const client = await live.level1();
    const refusal = await client.ask({ ...subscribe, topic: "news" });
    expect(refusal).toMatchObject({ type: "error", code: "bad_request" });
  });

  test("ends before a value that is longer than the client accepts", async () => {
    const live = await opened();
    const client = await live.level1();
    await client.send({ type: "hello", maxMessage: 2_048 }, subscribe);
    await live.live.topic("devices").set("a", "x".repeat(3_000));
    await live.pass(1_000);
    expect(client.take().at(-1)).toMatchObject({ type: "unsubscribed", code: "too_large" });
  });
});
