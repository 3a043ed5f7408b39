import { expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields, method } from "../../../../src/live/index.ts";
import { MemoryLive } from "../../../rigs/live/memory-live.ts";

test("statistics count events, and the census reports the current state", async () => {
  const live = await MemoryLive.open({
    topics: [
      logTopic("news", { clientPublish: true, match: matchFields, retention: { maxEvents: 2 } }),
      keyedTopic("online", { clientPublish: true, keyLifetime: "connection" }),
    ],
    methods: { act: method({ handle: () => 1 }) },
  });
  const guest = await live.level1();
  const simple = await live.level0("news", { search: "?a=1" });
  const publish = { type: "publish", id: 1, topic: "news", data: 1 };
  await guest.send(publish, publish, publish, { ...publish, idempotencyKey: "k" });
  await guest.send({ ...publish, idempotencyKey: "k" }, { type: "call", id: 2, method: "act" });
  await guest.send({ type: "publish", id: 3, topic: "online", key: "a", data: 1 });
  await guest.send({ type: "publish", id: 4, topic: "nowhere", data: 1 });
  const { epoch } = live.live.topic("news").position;
  const subscribe = { type: "subscribe", id: 5, topic: "news" };
  await guest.send(subscribe, { ...subscribe, since: { epoch, offset: 3 } });
  await guest.send({ ...subscribe, since: { epoch, offset: 1 } });
  expect(live.live.statistics).toMatchObject({
    sessions: { level0: 1, level1: 1 },
    turnedAway: 0,
    unauthorized: 0,
    received: 11,
    events: 5,
    published: 5,
    duplicates: 1,
    calls: 1,
    starts: { fresh: 2, resumed: 1, gap: 1 },
    slowGaps: 0,
    tooSlow: 0,
    refusals: { unknown_topic: 1 },
  });
  expect(live.live.statistics.writes).toBeGreaterThan(0);
  expect(live.live.statistics.writtenBytes).toBeGreaterThan(live.live.statistics.writes);
  const held = { sessions: 2, streams: 0, subscriptions: 2, waiting: 0, topics: 2, ownedKeys: 1 };
  expect(live.live.census()).toMatchObject({ ...held, views: 2, lagMs: 0 });
  await guest.leave();
  await simple.leave();
  expect(live.live.census()).toMatchObject({ sessions: 0, subscriptions: 0, ownedKeys: 0 });
});
