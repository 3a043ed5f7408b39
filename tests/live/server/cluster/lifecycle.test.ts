import { describe, expect, test } from "vitest";
import {
  connectionsTopic,
  lifecycleTopic,
  LiveError,
  logTopic,
  topicsTopic,
  type LifecycleEvent,
} from "../../../../src/live/index.ts";
import type { MemoryLive } from "../../../rigs/live/memory-live.ts";
import { entering, twoNodes } from "../../../rigs/live/two-nodes.ts";

const authorize = (): boolean => true;

const options = {
  topics: [
    logTopic("news"),
    connectionsTopic({ authorize }),
    topicsTopic({ authorize }),
    lifecycleTopic({ authorize }),
  ],
};

function eventsOf({ live }: MemoryLive): Partial<LifecycleEvent & { identity: string }>[] {
  return [...live.topic("$lifecycle").events()].map(({ data }) => data as LifecycleEvent);
}

describe("$lifecycle", () => {
  test("has each connection that came and went, once and in order, with the reason", async () => {
    const [a, b] = await twoNodes(options);
    const eve = await entering(b, "eve");
    await entering(a, "bob");
    await eve.leave();
    await a.live.connections.disconnect({ identity: "bob" }, { retry: false });
    await a.pass(20_000);
    expect(eventsOf(a)).toMatchObject([
      { type: "came", identity: "eve", node: "b" },
      { type: "came", identity: "bob", node: "a" },
      { type: "went", identity: "eve", node: "b" },
      { type: "went", identity: "bob", node: "a", code: 4403 },
    ]);
    expect(eventsOf(b)).toEqual(eventsOf(a));
  });

  test("has those of a server that was killed once, appended by one of the others", async () => {
    const [a, b] = await twoNodes(options);
    const c = await a.another();
    const eve = await entering(b, "eve");
    await eve.send({ type: "subscribe", id: 1, topic: "news" });
    await a.pass(1_000);
    await b.broker.close();
    await a.pass(150_000);
    await c.settle();
    const events = eventsOf(a);
    expect(events).toMatchObject([
      { type: "came", identity: "eve" },
      { type: "first-reader", topic: "news" },
      { type: expect.stringMatching(/went|last-reader/) },
      { type: expect.stringMatching(/went|last-reader/) },
    ]);
    expect(events.find(({ type }) => type === "went")).toMatchObject({ isLost: true });
  });

  test("gets what could not be appended while the broker was away, in order", async () => {
    const [a] = await twoNodes(options);
    const bob = await entering(a, "bob");
    const lifecycle = a.broker.refuseOnly("$lifecycle", new LiveError("unavailable", "Away."));
    const eve = await entering(a, "eve");
    await eve.leave();
    await bob.leave();
    lifecycle.accept();
    await a.pass(5_000);
    expect(eventsOf(a).map(({ type, identity }) => [type, identity])).toEqual([
      ["came", "bob"],
      ["came", "eve"],
      ["went", "eve"],
      ["went", "bob"],
    ]);
  });

  test("has the first and the last reader of a topic in the whole cluster", async () => {
    const [a, b] = await twoNodes(options);
    const readers = [await entering(a, "eve"), await entering(b, "bob")];
    for (const reader of readers) {
      await reader.send({ type: "subscribe", id: 1, topic: "news" });
      await a.pass(1_000);
    }
    expect([a.live.readersOf("news"), b.live.readersOf("news")]).toEqual([2, 2]);
    for (const reader of readers) {
      await reader.send({ type: "unsubscribe", id: 2, topic: "news" });
      await a.pass(1_000);
    }
    expect(a.live.readersOf("news")).toBe(0);
    const ofTopics = eventsOf(a).filter(({ type }) => type?.endsWith("-reader"));
    expect(ofTopics).toMatchObject([
      { type: "first-reader", topic: "news" },
      { type: "last-reader", topic: "news" },
    ]);
  });

  test("readers that come and go within a moment are not announced", async () => {
    const [a, b] = await twoNodes(options);
    const eve = await entering(a, "eve");
    for (let n = 0; n < 10; n += 1) {
      await eve.send({ type: "subscribe", id: 1, topic: "news" });
      await eve.send({ type: "unsubscribe", id: 2, topic: "news" });
    }
    await a.pass(1_000);
    expect([...b.live.topic("$topics").events()]).toEqual([]);
  });

  test("without $topics, the readers of a topic are not counted", async () => {
    const [a] = await twoNodes({ topics: [logTopic("news")] });
    expect(() => a.live.readersOf("news")).toThrow("add topicsTopic()");
    expect(() => a.live.readersOf("nosuch")).toThrow("There is no topic");
  });
});
