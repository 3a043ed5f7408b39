import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields } from "../../../../src/live/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { clientKinds, LEVEL_1, type Message } from "../../../rigs/live/live-client.ts";
import { RunningLive, type LiveOptions } from "../../../rigs/live/running-live.ts";

function start(options: Partial<LiveOptions> = {}): Promise<RunningLive> {
  return RunningLive.start({
    topics: [
      keyedTopic("devices", { match: matchFields, clientPublish: true }),
      logTopic("alerts", { match: matchFields, clientPublish: true }),
      keyedTopic("own"),
    ],
    ...options,
  });
}

const devices = { topic: "devices" };

describe.each(Object.keys(clientKinds) as (keyof typeof clientKinds)[])(
  "Level 1 with %s",
  (kind) => {
    test("welcome comes first: the connection's name, the heartbeat, the longest message, the features", async () => {
      const live = await start({ heartbeatMs: 7_000, maxMessageBytes: 5_000 });
      const one = clientKinds[kind](live.url(), LEVEL_1);
      const two = clientKinds[kind](live.url(), LEVEL_1);
      const welcome = await one.next();
      const connection = expect.stringMatching(/./);
      expect(welcome).toEqual({
        type: "welcome",
        connection,
        heartbeat: 7_000,
        maxMessage: 5_000,
        features: ["requests", "presence", "history", "rate"],
      });
      expect((await two.next()).connection).not.toBe(welcome.connection);
    });

    test("the mount path may end with a slash", async () => {
      const live = await start();
      const client = clientKinds[kind](`${live.url()}/`, LEVEL_1);
      expect(await client.next()).toMatchObject({ type: "welcome" });
    });

    test("subscribe: subscribed, the state as one complete snapshot, then events", async () => {
      const live = await start();
      await live.topic("devices").set("a", { type: "AP" });
      await live.topic("devices").set("b", { type: "switch" });
      const client = await live.level1(kind);
      client.send({ type: "subscribe", id: "s1", ...devices, params: { type: "AP" } });
      const { epoch } = live.topic("devices").position;
      expect(await client.take(2)).toEqual([
        {
          type: "subscribed",
          id: "s1",
          ...devices,
          kind: "keyed",
          epoch,
          offset: 2,
          view: expect.stringMatching(/^[a-z0-9]+$/),
          resumed: false,
        },
        {
          type: "snapshot",
          ...devices,
          epoch,
          offset: 2,
          entries: [{ key: "a", offset: 1, data: { type: "AP" } }],
          complete: true,
          more: false,
        },
      ]);
      await live.topic("devices").set("a", { type: "AP", n: 2 });
      await live.topic("devices").remove("a");
      expect(await client.take(2)).toEqual([
        { type: "event", ...devices, offset: 3, key: "a", data: { type: "AP", n: 2 } },
        { type: "event", ...devices, offset: 4, key: "a", removed: true },
      ]);
    });
  },
);

describe("subscribe to a keyed topic", () => {
  test("an empty topic: an empty complete snapshot", async () => {
    const live = await start();
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices });
    const [subscribed, snapshot] = await client.take(2);
    expect(subscribed).toMatchObject({ id: 1, offset: 0, resumed: false });
    expect(snapshot).toMatchObject({ offset: 0, entries: [], complete: true, more: false });
  });

  test("resumed: what has changed since, removals as tombstones, complete: false", async () => {
    const live = await start();
    const topic = live.topic("devices");
    for (const key of ["a", "b", "c"]) await topic.set(key, { type: "AP" });
    const params = { type: "AP" };
    const before = await live.level1();
    before.send({ type: "subscribe", id: 1, ...devices, params });
    const [{ epoch, offset, view }] = (await before.take(2)) as [Message];
    before.close();
    await before.closed;
    await topic.set("b", { type: "AP", n: 2 });
    await topic.remove("c");
    await topic.set("d", { type: "switch" });
    const client = await live.level1();
    const since = { epoch, offset };
    client.send({ type: "subscribe", id: 1, ...devices, params, since, view });
    const [subscribed, snapshot] = await client.take(2);
    expect(subscribed).toMatchObject({ offset: 6, resumed: true });
    expect(snapshot).toMatchObject({
      offset: 6,
      entries: [
        { key: "b", offset: 4, data: { type: "AP", n: 2 } },
        { key: "c", offset: 5, removed: true },
      ],
      complete: false,
      more: false,
    });
  });

  test("resumed without changes: an empty snapshot", async () => {
    const live = await start();
    await live.topic("devices").set("a", 1);
    const client = await live.level1();
    const since = live.topic("devices").position;
    client.send({ type: "subscribe", id: 1, ...devices, since });
    const [subscribed, snapshot] = await client.take(2);
    expect(subscribed).toMatchObject({ offset: 1, resumed: true });
    expect(snapshot).toMatchObject({ entries: [], complete: false, more: false });
  });

  test("another epoch, or a position before the tombstones: the whole state", async () => {
    const topics = [keyedTopic("devices", { retention: { maxEvents: 1 } })];
    const live = await start({ topics });
    const topic = live.topic("devices");
    for (const key of ["a", "b", "c"]) await topic.set(key, 1);
    await topic.remove("a");
    await topic.remove("b");
    const client = await live.level1();
    const { epoch } = topic.position;
    for (const since of [
      { epoch, offset: 3 },
      { epoch: "another", offset: 5 },
      { epoch: "another", offset: 500 },
    ]) {
      client.send({ type: "subscribe", id: 1, ...devices, since });
      const [subscribed, snapshot] = await client.take(2);
      expect(subscribed).toMatchObject({ epoch, offset: 5, resumed: false });
      expect(snapshot).toMatchObject({ entries: [{ key: "c" }], complete: true, more: false });
    }
    client.send({ type: "subscribe", id: 1, ...devices, since: { epoch, offset: 4 } });
    const [subscribed, snapshot] = await client.take(2);
    expect(subscribed).toMatchObject({ resumed: true });
    expect(snapshot).toMatchObject({ entries: [{ key: "b", removed: true }], complete: false });
  });

  test("a large state is sent in pages of about 64 KiB; all but the last have more", async () => {
    const live = await start();
    const topic = live.topic("devices");
    for (let n = 0; n < 40; n += 1) await topic.set(`k${n}`, { pad: "x".repeat(10_000) });
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices });
    const pages: Message[] = (await client.upTo("snapshot")).slice(1);
    while (pages.at(-1)!.more) pages.push(await client.next());
    expect(pages.length).toBeGreaterThan(4);
    expect(pages.every(({ complete }) => complete)).toBe(true);
    for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(90_000);
    const keys = pages.flatMap(({ entries }) => entries.map(({ key }: Message) => key));
    expect(keys).toEqual(Array.from({ length: 40 }, (_, n) => `k${n}`));
    expect(pages.at(-1)!.offset).toBe(40);
  });

  test("many small values are paged as well: keys and overhead count", async () => {
    const live = await start();
    const topic = live.topic("devices");
    for (let n = 0; n < 4_000; n += 1) await topic.set(`key-number-${n}`, 1);
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices });
    const [, first] = await client.take(2);
    expect(first!.more).toBe(true);
    expect(JSON.stringify(first).length).toBeLessThan(90_000);
  });

  test("a second subscribe replaces the params: the state for the new ones, then only their events", async () => {
    const live = await start();
    const topic = live.topic("devices");
    await topic.set("a", { type: "AP" });
    await topic.set("b", { type: "switch" });
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices, params: { type: "AP" } });
    await client.take(2);
    client.send({ type: "subscribe", id: 2, ...devices, params: { type: "switch" } });
    const [subscribed, snapshot] = await client.take(2);
    expect(subscribed).toMatchObject({ id: 2, resumed: false });
    expect(snapshot).toMatchObject({ entries: [{ key: "b" }], complete: true });
    await topic.set("a", { type: "AP", n: 2 });
    await topic.set("b", { type: "switch", n: 2 });
    const after = await client.soFar();
    expect(after.map(({ key }) => key)).toEqual(["b"]);
  });

  test("new params with a since of the old ones: the whole state, because some of it was never sent", async () => {
    const live = await start();
    const topic = live.topic("devices");
    await topic.set("a", { type: "AP" });
    await topic.set("b", { type: "switch" });
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices, params: { type: "AP" } });
    await client.take(2);
    const since = topic.position;
    client.send({ type: "subscribe", id: 2, ...devices, params: { type: "switch" }, since });
    const [subscribed, snapshot] = await client.take(2);
    expect(subscribed).toMatchObject({ resumed: false });
    expect(snapshot).toMatchObject({ entries: [{ key: "b" }], complete: true });
  });

  test("refused new params leave the subscription unchanged", async () => {
    const live = await start();
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices, params: { type: "AP" } });
    await client.take(2);
    const deep = `{"deep":${"[".repeat(9_000)}${"]".repeat(9_000)}}`;
    client.send(`{"type":"subscribe","id":2,"topic":"devices","params":${deep}}`);
    expect(await client.next()).toMatchObject({ type: "error", code: "invalid_params" });
    await live.topic("devices").set("a", { type: "AP" });
    expect(await client.next()).toMatchObject({ type: "event", key: "a" });
  });

  test("params of one connection do not narrow another's", async () => {
    const live = await start();
    const narrow = await live.level1();
    const wide = await live.level1();
    narrow.send({ type: "subscribe", id: 1, ...devices, params: { type: "AP" } });
    wide.send({ type: "subscribe", id: 1, ...devices });
    await Promise.all([narrow.take(2), wide.take(2)]);
    await live.topic("devices").set("a", { type: "AP" });
    await live.topic("devices").set("b", { type: "switch" });
    expect((await narrow.soFar()).map(({ key }) => key)).toEqual(["a"]);
    expect((await wide.soFar()).map(({ key }) => key)).toEqual(["a", "b"]);
  });

  test("an object that the server changes after set is sent and matched as it was", async () => {
    const live = await start();
    const record = { type: "AP" };
    await live.topic("devices").set("a", record);
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices, params: { type: "AP" } });
    await client.take(2);
    record.type = "switch";
    await live.topic("devices").set("a", record);
    expect(await client.next()).toMatchObject({ type: "event", key: "a", removed: true });
    expect(live.topic("devices").get("a")).toEqual({ type: "switch" });
  });
});

describe("subscribe to a log topic", () => {
  test("without since: from now on, and nothing earlier", async () => {
    const live = await start();
    await live.topic("alerts").publish("before");
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, topic: "alerts" });
    const { epoch } = live.topic("alerts").position;
    const subscribed = { type: "subscribed", id: 1, topic: "alerts", kind: "log", epoch };
    expect(await client.next()).toEqual({ ...subscribed, offset: 1, resumed: false });
    await live.topic("alerts").publish("after");
    const event = { type: "event", topic: "alerts", offset: 2, data: "after" };
    expect(await client.next()).toEqual(event);
  });

  test("resumed: exactly the matching events after since, then new ones", async () => {
    const live = await start();
    const topic = live.topic("alerts");
    for (let n = 1; n <= 6; n += 1) await topic.publish({ n, odd: n % 2 });
    const client = await live.level1();
    const since = { ...topic.position, offset: 2 };
    client.send({ type: "subscribe", id: 1, topic: "alerts", params: { odd: 1 }, since });
    expect(await client.next()).toMatchObject({ offset: 2, resumed: true });
    await topic.publish({ n: 7, odd: 1 });
    const events = await client.take(4);
    expect(events.map(({ type, offset }) => [type, offset])).toEqual([
      ["event", 3],
      ["event", 5],
      // So that the client knows that it is up to date: 6 did not match.
      ["position", 6],
      ["event", 7],
    ]);
  });

  test("resumed: latest is the end of the replay, and absent if there is nothing to send", async () => {
    const live = await start();
    const topic = live.topic("alerts");
    for (let n = 1; n <= 4; n += 1) await topic.publish({ odd: n % 2 });
    const client = await live.level1();
    const ask = { type: "subscribe", topic: "alerts", params: { odd: 1 } };
    const { epoch } = topic.position;
    client.send({ ...ask, id: 1, since: { epoch, offset: 1 } });
    expect(await client.next()).toMatchObject({ resumed: true, offset: 1, latest: 4 });
    expect(await client.take(2)).toMatchObject([
      { type: "event", offset: 3 },
      { type: "position", epoch, offset: 4 },
    ]);
    client.send({ ...ask, id: 2, since: { epoch, offset: 3 } });
    expect(await client.next()).toMatchObject({ resumed: true, offset: 3, latest: 4 });
    expect(await client.next()).toMatchObject({ type: "position", offset: 4 });
    for (const since of [{ epoch, offset: 4 }, { epoch: "another", offset: 1 }, undefined]) {
      client.send({ ...ask, id: 3, since });
      const [subscribed, ...rest] = await client.soFar();
      expect(subscribed).toMatchObject({ type: "subscribed", offset: 4 });
      expect(subscribed).not.toHaveProperty("latest");
      expect(rest.map(({ type }) => type)).toEqual(since?.epoch === "another" ? ["gap"] : []);
    }
  });

  test("expired: resumed false, then a gap from the first lost offset to the current one", async () => {
    const live = await start({ topics: [logTopic("alerts", { retention: { maxEvents: 2 } })] });
    const topic = live.topic("alerts");
    for (let n = 1; n <= 6; n += 1) await topic.publish(n);
    const client = await live.level1();
    const { epoch } = topic.position;
    const alerts = { topic: "alerts" };
    client.send({ type: "subscribe", id: 1, ...alerts, since: { epoch, offset: 3 } });
    expect(await client.next()).toMatchObject({ offset: 6, resumed: false });
    const gap = { type: "gap", ...alerts, epoch, from: 4, to: 6, reason: "expired" };
    expect(await client.next()).toEqual(gap);
    await topic.publish(7);
    expect(await client.next()).toMatchObject({ type: "event", offset: 7 });
    client.send({ type: "subscribe", id: 2, ...alerts, since: { epoch, offset: 5 } });
    expect(await client.take(3)).toMatchObject([{ resumed: true }, { data: 6 }, { data: 7 }]);
  });

  test("another epoch: a gap with the reason epoch, even if the current one is empty", async () => {
    const live = await start();
    const client = await live.level1();
    const ask = { type: "subscribe", topic: "alerts", since: { epoch: "before", offset: 57 } };
    client.send({ id: 1, ...ask });
    expect(await client.take(2)).toMatchObject([
      { type: "subscribed", offset: 0, resumed: false },
      { type: "gap", from: 1, to: 0, reason: "epoch" },
    ]);
    await live.topic("alerts").publish(1);
    await client.next();
    client.send({ id: 2, ...ask });
    expect(await client.take(2)).toMatchObject([
      { type: "subscribed", offset: 1, resumed: false },
      { type: "gap", from: 1, to: 1, reason: "epoch" },
    ]);
  });

  test("a since ahead of the topic is bad_request for both kinds, and starts nothing", async () => {
    const live = await start();
    const client = await live.level1();
    for (const topic of ["alerts", "devices"]) {
      const { epoch } = live.topic(topic).position;
      const ask = { type: "subscribe", id: topic, topic, since: { epoch, offset: 1 } };
      expect(await client.ask(ask)).toMatchObject({ type: "error", code: "bad_request" });
    }
    await live.topic("alerts").publish(1);
    expect(await client.soFar()).toEqual([]);
  });
});

describe("position and heartbeat, on a virtual clock", () => {
  test("position: up to where nothing is missing, if the newest events did not match", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock, heartbeatMs: 1_000 });
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, topic: "alerts", params: { level: 1 } });
    await client.next();
    await live.topic("alerts").publish({ level: 2 });
    await live.topic("alerts").publish({ level: 2 });
    clock.advance(500);
    const { epoch } = live.topic("alerts").position;
    const position = { type: "position", topic: "alerts", epoch, offset: 2 };
    expect(await client.next()).toEqual(position);
    clock.advance(400);
    expect(await client.soFar(), "it is told once").toEqual([]);
  });

  test("heartbeat after silence, within the interval in welcome", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock, heartbeatMs: 1_000 });
    const client = await live.level1();
    clock.advance(1_000);
    expect(await client.next()).toEqual({ type: "heartbeat" });
    clock.advance(1_000);
    expect(await client.next()).toEqual({ type: "heartbeat" });
  });

  test("no heartbeat while events are sent", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock, heartbeatMs: 1_000 });
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, topic: "alerts" });
    await client.next();
    for (let n = 0; n < 10; n += 1) {
      await live.topic("alerts").publish(n);
      expect(await client.next()).toMatchObject({ type: "event" });
      clock.advance(400);
    }
    expect(await client.soFar()).toEqual([]);
  });
});

describe("publish", () => {
  test("published has the offset; the publisher's own subscription receives the event too", async () => {
    const live = await start();
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, ...devices });
    await client.take(2);
    client.send({ type: "publish", id: "p", ...devices, key: "a", data: { n: 1 } });
    const [event, published] = (await client.upTo("published")).sort((a, b) =>
      String(a.type) < String(b.type) ? -1 : 1,
    );
    expect(event).toMatchObject({ type: "event", key: "a", offset: 1 });
    const answer = { type: "published", id: "p", ...devices, offset: 1, duplicate: false };
    expect(published).toEqual(answer);
    const removed = await client.ask({
      type: "publish",
      id: 3,
      ...devices,
      key: "a",
      remove: true,
    });
    expect(removed).toMatchObject({ type: "published", offset: 2, duplicate: false });
    expect(live.topic("devices").get("a")).toBeUndefined();
  });

  test("the same idempotencyKey from another connection: stored once, with the first offset", async () => {
    const live = await start();
    const publish = { type: "publish", id: 1, topic: "alerts", data: "x", idempotencyKey: "k" };
    const one = await live.level1();
    const two = await live.level1();
    expect(await one.ask(publish)).toMatchObject({ offset: 1, duplicate: false });
    await live.topic("alerts").publish("between");
    expect(await two.ask(publish)).toMatchObject({ offset: 1, duplicate: true });
    expect([...live.topic("alerts").events()]).toHaveLength(2);
  });

  test.each([
    ["a topic of the server only", { topic: "own", key: "a", data: 1 }, "forbidden"],
    ["an unknown topic", { topic: "nothing", data: 1 }, "unknown_topic"],
    ["a topic named __proto__", { topic: "__proto__", data: 1 }, "unknown_topic"],
    ["a keyed topic without key", { ...devices, data: 1 }, "bad_request"],
    ["an empty key", { ...devices, key: "", data: 1 }, "bad_request"],
    ["a key of 256 characters", { ...devices, key: "k".repeat(256), data: 1 }, "bad_request"],
    ["a key that is not a string", { ...devices, key: 1, data: 1 }, "bad_request"],
    ["a log topic with key", { topic: "alerts", key: "a", data: 1 }, "bad_request"],
    ["a log topic with remove", { topic: "alerts", remove: true }, "bad_request"],
    ["neither data nor remove", { ...devices, key: "a" }, "bad_request"],
    ["both data and remove", { ...devices, key: "a", data: 1, remove: true }, "bad_request"],
    [
      "an idempotencyKey too long",
      { topic: "alerts", data: 1, idempotencyKey: "k".repeat(256) },
      "bad_request",
    ],
  ])("%s is refused, and nothing of it is done", async (_what, request, code) => {
    const live = await start();
    const client = await live.level1();
    const answer = await client.ask({ type: "publish", id: 9, ...request });
    expect(answer).toEqual({ type: "error", id: 9, code, message: expect.stringMatching(/;|\./) });
    for (const name of ["devices", "alerts", "own"])
      expect(live.topic(name).position.offset).toBe(0);
  });

  test("one key too many is too_large; a removal makes room", async () => {
    const live = await start({
      topics: [keyedTopic("devices", { clientPublish: true, maxKeys: 1 })],
    });
    const client = await live.level1();
    const publish = { type: "publish", id: 1, ...devices, data: 1 };
    expect(await client.ask({ ...publish, key: "a" })).toMatchObject({ type: "published" });
    expect(await client.ask({ ...publish, key: "a" })).toMatchObject({ type: "published" });
    expect(await client.ask({ ...publish, key: "b" })).toMatchObject({ code: "too_large" });
    await live.topic("devices").remove("a");
    expect(await client.ask({ ...publish, key: "b" })).toMatchObject({ type: "published" });
  });

  test("a thousand publishes together are all answered, in order", async () => {
    const live = await start();
    const client = await live.level1();
    for (let id = 1; id <= 1_000; id += 1)
      client.send({ type: "publish", id, topic: "alerts", data: id });
    const answers = await client.take(1_000);
    expect(answers.map(({ id, offset }) => [id, offset])).toEqual(
      answers.map((_, n) => [n + 1, n + 1]),
    );
  });
});

describe("the other requests", () => {
  test("unsubscribe is answered, and no event follows; also without a subscription", async () => {
    const live = await start();
    const client = await live.level1();
    client.send({ type: "subscribe", id: 1, topic: "alerts" });
    await client.next();
    const unsubscribe = { type: "unsubscribe", id: 2, topic: "alerts" };
    const unsubscribed = { type: "unsubscribed", id: 2, topic: "alerts" };
    expect(await client.ask(unsubscribe)).toEqual(unsubscribed);
    await live.topic("alerts").publish(1);
    expect(await client.soFar()).toEqual([]);
    expect(await client.ask(unsubscribe)).toEqual(unsubscribed);
  });

  test("ping is answered with its id, if any", async () => {
    const live = await start();
    const client = await live.level1();
    expect(await client.ask({ type: "ping", id: 7 })).toEqual({ type: "pong", id: 7 });
    client.send({ type: "ping" });
    expect(await client.next()).toEqual({ type: "pong" });
  });

  test("a call is unknown_method", async () => {
    const live = await start();
    const client = await live.level1();
    const answer = await client.ask({ type: "call", id: 1, method: "m".repeat(10_000) });
    expect(answer).toMatchObject({ type: "error", code: "unknown_method" });
    expect(answer.message.length).toBeLessThan(200);
  });

  test.each(["telepathy", "__proto__", "constructor", "toString", ""])(
    "the type %j is unknown_type with the request's id, and the connection stays",
    async (type) => {
      const live = await start();
      const client = await live.level1();
      expect(await client.ask({ type, id: 3 })).toMatchObject({
        type: "error",
        code: "unknown_type",
      });
      expect(await client.soFar()).toEqual([]);
    },
  );

  test("hello and refresh are accepted; unknown fields are ignored", async () => {
    const live = await start();
    const client = await live.level1();
    client.send({ type: "hello", token: "t", colour: "red" });
    client.send({ type: "refresh", token: "t" });
    expect(await client.soFar()).toEqual([]);
    const ask = { type: "subscribe", id: 1, topic: "alerts", colour: "red" };
    expect(await client.ask(ask)).toMatchObject({ type: "subscribed" });
  });

  test.each([
    ["no id", { type: "subscribe", topic: "devices" }],
    ["an id that is an object", { type: "subscribe", id: {}, topic: "devices" }],
    ["a fraction as id", { type: "unsubscribe", id: 1.5, topic: "devices" }],
    ["a topic that is not a string", { type: "subscribe", id: 1, topic: 1 }],
    ["since without epoch", { type: "subscribe", id: 1, topic: "devices", since: { offset: 1 } }],
    [
      "since before all",
      { type: "subscribe", id: 1, topic: "devices", since: { epoch: "e", offset: -1 } },
    ],
    ["no type", { id: 1 }],
  ])("%s is bad_request, and the connection stays", async (_what, request) => {
    const live = await start();
    const client = await live.level1();
    client.send(request);
    expect(await client.next()).toMatchObject({ type: "error", code: "bad_request" });
    expect(await client.soFar()).toEqual([]);
  });

  test("subscriptions beyond maxSubscriptions are rate_limited; replacing one does not add to them", async () => {
    const live = await start({ maxSubscriptions: 1 });
    const client = await live.level1();
    const subscribe = { type: "subscribe", id: 1, topic: "alerts" };
    expect(await client.ask(subscribe)).toMatchObject({ type: "subscribed" });
    expect(await client.ask(subscribe)).toMatchObject({ type: "subscribed" });
    expect(await client.ask({ ...subscribe, ...devices })).toMatchObject({ code: "rate_limited" });
  });
});

describe("invalid messages", () => {
  test.each([
    ["invalid JSON", '{"type":'],
    ["an array", "[]"],
    ["null", "null"],
    ["nothing", ""],
  ])("%s: disconnect, then 4400", async (_what, text) => {
    const live = await start();
    const client = await live.level1();
    const other = await live.level1();
    client.send(text);
    expect(await client.next()).toMatchObject({ type: "disconnect", code: 4400, retry: false });
    expect(await client.closed).toMatchObject({ code: 4400 });
    expect(await other.soFar()).toEqual([]);
  });

  test("a binary message: disconnect, then 4400", async () => {
    const live = await start();
    const client = await live.level1();
    client.sendBinary(Buffer.from('{"type":"ping"}'));
    expect(await client.next()).toMatchObject({ type: "disconnect", code: 4400, retry: false });
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  test("a message longer than maxMessage: disconnect, then 4413", async () => {
    const live = await start({ maxMessageBytes: 1_000 });
    const client = await live.level1();
    client.send({ type: "ping", id: "x".repeat(1_000) });
    expect(await client.next()).toMatchObject({ type: "disconnect", code: 4413, retry: false });
    expect(await client.closed).toMatchObject({ code: 4413 });
  });
});

test("drain: disconnect with retry and retryAfter, then 1012", async () => {
  const live = await start();
  const client = await live.level1();
  void live.server.close();
  const disconnect = await client.next();
  expect(disconnect).toMatchObject({ type: "disconnect", code: 1012, retry: true });
  expect(disconnect.retryAfter).toBeGreaterThanOrEqual(0);
  expect(await client.closed).toMatchObject({ code: 1012 });
});
