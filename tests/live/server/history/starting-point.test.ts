import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields, type TopicEvent } from "../../../../src/live/index.ts";
import { MemoryLive } from "../../../rigs/live/memory-live.ts";

interface Note {
  n: number;
  room: string;
}

/** Ten events, one a second, alternately of the rooms "a" and "b"; the last one is a second old. */
async function filled(maxEvents = 100): Promise<MemoryLive> {
  const live = await MemoryLive.open({
    topics: [
      logTopic("notes", { match: matchFields, retention: { maxEvents } }),
      logTopic<"odd", Note>("odd", {
        match: (_params: object, { data }: TopicEvent<Note>) => data.n % 2 === 1,
      }),
      keyedTopic("keyed"),
    ],
  });
  for (let n = 1; n <= 10; n += 1) {
    for (const topic of ["notes", "odd"] as const) {
      await live.live.topic(topic).publish({ n, room: n % 2 === 0 ? "a" : "b" });
    }
    await live.pass(1_000);
  }
  return live;
}

const offsets = (messages: readonly Record<string, unknown>[]): unknown[] =>
  messages.filter(({ type }) => type === "event").map(({ offset }) => offset);

describe("from of subscribe", () => {
  test.each([
    [{ last: 3 }, [8, 9, 10]],
    [{ last: 0 }, []],
    [{ last: 99 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [{ last: "all" }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [{ sinceMs: 3_500 }, [8, 9, 10]],
    [{ sinceMs: 0 }, []],
    [{ last: 2, sinceMs: 3_500 }, [9, 10]],
    [{ last: 5, sinceMs: 3_500 }, [8, 9, 10]],
  ])("%j begins with the events %j, and goes on with new ones", async (from, expected) => {
    const live = await filled();
    const client = await live.level1();
    await client.send({ type: "subscribe", id: 1, topic: "notes", from });
    await live.live.topic("notes").publish({ n: 11 });
    await live.settle();
    const got = client.take();
    expect(offsets(got)).toEqual([...expected, 11]);
    expect(got[1]).toMatchObject({
      type: "subscribed",
      offset: 10 - expected.length,
      resumed: false,
      ...(expected.length > 0 && { latest: 10 }),
    });
  });

  test.each([
    ["notes", { room: "a" }, [6, 8, 10]],
    ["notes", { room: "c" }, []],
    ["notes", { room: { not: "text" } }, []],
    ["odd", {}, [5, 7, 9]],
  ] as const)(
    "of %s with the params %j counts matching events only",
    async (topic, params, expected) => {
      const live = await filled();
      const client = await live.level1();
      await client.send({ type: "subscribe", id: 1, topic, params, from: { last: 3 } });
      expect(offsets(client.take())).toEqual(expected);
    },
  );

  test("begins within what is kept, without a gap", async () => {
    const live = await filled(4);
    const client = await live.level1();
    await client.send({ type: "subscribe", id: 1, topic: "notes", from: { last: 9 } });
    const got = client.take();
    expect(offsets(got)).toEqual([7, 8, 9, 10]);
    expect(got.some(({ type }) => type === "gap")).toBe(false);
  });

  test("does not repeat what a resumed reader has", async () => {
    const live = await filled();
    const since = { epoch: live.live.topic("notes").position.epoch, offset: 9 };
    const client = await live.level1();
    await client.send({ type: "subscribe", id: 1, topic: "notes", since, from: { last: 5 } });
    expect(offsets(client.take())).toEqual([10]);
  });

  test.each([
    ["expired", undefined, { from: 3, to: 8 }],
    ["epoch", "other", { from: 1, to: 8 }],
  ])("follows a gap, reason %s, that ends where it begins", async (reason, epoch, gap) => {
    const live = await filled(4);
    const since = { epoch: epoch ?? live.live.topic("notes").position.epoch, offset: 2 };
    const client = await live.level1();
    await client.send({ type: "subscribe", id: 1, topic: "notes", since, from: { last: 2 } });
    const got = client.take().filter(({ type }) => type !== "welcome");
    expect(got.slice(0, 2)).toMatchObject([
      { type: "subscribed", offset: 8, latest: 10, resumed: false },
      { type: "gap", reason, ...gap },
    ]);
    expect(offsets(got)).toEqual([9, 10]);
  });

  test("with other params skips nothing that is unread", async () => {
    const live = await filled();
    const client = await live.level1();
    await client.send({ type: "subscribe", id: 1, topic: "notes", from: { last: 1 } });
    client.take();
    await live.live.topic("notes").publish({ n: 11, room: "a" });
    const other = { type: "subscribe", id: 2, topic: "notes", params: { room: "a" } };
    await client.send({ ...other, from: { last: 0 } });
    expect(new Set(offsets(client.take()))).toEqual(new Set([11]));
    await client.send({ ...other, id: 3, from: { last: 2 } });
    expect(offsets(client.take())).toEqual([10, 11]);
  });

  test("is refused for a keyed topic, whose state is whole", async () => {
    const live = await filled();
    const client = await live.level1();
    const refusal = await client.ask({
      type: "subscribe",
      id: 1,
      topic: "keyed",
      from: { last: 1 },
    });
    expect(refusal).toMatchObject({ type: "error", code: "bad_request" });
  });

  test.each([
    {},
    [],
    "all",
    { last: -1 },
    { last: 1.5 },
    { last: "some" },
    { sinceMs: -1 },
    { sinceMs: "1" },
    { first: 1 },
  ])("%j is refused", async (from) => {
    const live = await filled();
    const client = await live.level1();
    const refusal = await client.ask({ type: "subscribe", id: 1, topic: "notes", from });
    expect(refusal).toMatchObject({ type: "error", code: "bad_request" });
  });

  test("is found in slices, so that other clients are served meanwhile", async () => {
    const live = await MemoryLive.open({
      topics: [
        logTopic<"long", number>("long", {
          match: (_params: object, { data }: TopicEvent<number>) => data === 1,
          retention: { maxEvents: 20_000 },
        }),
        logTopic("other"),
      ],
    });
    for (let n = 1; n <= 15_000; n += 1) await live.live.topic("long").publish(n);
    const one = await live.level1();
    const other = await live.level1();
    one.take();
    const found = one.send({ type: "subscribe", id: 1, topic: "long", from: { last: 1 } });
    await other.send({ type: "subscribe", id: 1, topic: "other" });
    expect(other.types()).toContain("subscribed");
    await found;
    await live.pass(100);
    expect(offsets(one.take())).toEqual([1]);
  });
});

describe("last and sinceMs of a Level 0 URL", () => {
  test.each([
    ["?last=2", [9, 10]],
    ["?sinceMs=2500", [9, 10]],
    ["?last=all&sinceMs=2500", [9, 10]],
    ["?last=2&room=a", [8, 10]],
  ])("%s begins with the events %j", async (search, expected) => {
    const live = await filled();
    const client = await live.level0("notes", { search });
    if (!search.includes("room")) {
      expect(client.take()).toEqual([]);
      await client.send("{}");
    }
    await live.live.topic("notes").publish({ n: 11, room: "a" });
    await live.settle();
    expect(client.take().map(({ n }) => n)).toEqual([...expected, 11]);
  });

  test("new params continue where the client is", async () => {
    const live = await filled();
    const client = await live.level0("notes", { search: "?last=1&room=a" });
    await client.send({ room: "b" });
    await live.live.topic("notes").publish({ n: 11, room: "b" });
    await live.settle();
    expect(client.take().map(({ n }) => n)).toEqual([10, 11]);
  });

  test.each(["?last=some", "?last=-1", "?sinceMs=x", "?before=3"])(
    "%s closes with 4400",
    async (search) => {
      const live = await filled();
      expect((await live.level0("notes", { search })).closeCode).toBe(4400);
    },
  );

  test("close with 4400 on a keyed topic", async () => {
    const live = await filled();
    const client = await live.level0("keyed", { search: "?last=1" });
    await client.send("{}");
    expect(client.closeCode).toBe(4400);
  });
});
