import { describe, expect, test } from "vitest";
import { Tombstones } from "../../../src/topics/log/tombstones.ts";
import type { Encoding } from "../../../src/topics/fan-out/encoding.ts";
import { keyedTopic, logTopic, matchFields } from "../../../src/live/index.ts";
import type { TopicEvent } from "../../../src/live/index.ts";
import { freshWalk, walkFrom } from "../../../src/topics/log/walk.ts";
import { openTopic } from "../../rigs/live/open-topic.ts";

const text = ({ key, offset, removed }: TopicEvent): string =>
  `${key ?? ""}@${offset}${removed ? "x" : ""};`;

const encoding: Encoding = {
  name: "test",
  event: (_topic, event) => Buffer.from(text(event)),
  page: (_topic, { entries }) => Buffer.from(entries.map(text).join("")),
};

const reader = { onGrown: () => {} };

const ap = { type: "AP" };

describe("a view of a keyed topic", () => {
  async function joined(): Promise<{
    live: () => string;
    topic: Awaited<ReturnType<typeof openTopic>>["topic"];
  }> {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    const { lane } = topic.view(ap).join(encoding, reader);
    return { topic, live: () => Buffer.from(lane.read(0, 1_000_000)?.bytes ?? []).toString() };
  }

  test("live: a match is unchanged, a key that stops matching or is removed is a removal, and nothing else is sent", async () => {
    const { topic, live } = await joined();
    await topic.append({ key: "a", data: ap });
    await topic.append({ key: "a", data: { type: "switch" } });
    await topic.append({ key: "a", data: { type: "router" } });
    await topic.append({ key: "a", removed: true });
    await topic.append({ key: "a", data: ap });
    await topic.append({ key: "a", removed: true });
    await topic.append({ key: "a", removed: true });
    expect(live()).toBe("a@1;a@2x;a@5;a@6x;");
  });

  test("live: a key that never matched is never removed", async () => {
    const { topic, live } = await joined();
    await topic.append({ key: "b", data: { type: "switch" } });
    await topic.append({ key: "b", data: { type: "router" } });
    await topic.append({ key: "b", removed: true });
    await topic.append({ key: "never-there", removed: true });
    expect(live()).toBe("");
  });

  test("a walk from the start names no key that does not match; one from a position names every key that changed since", async () => {
    const { topic } = await joined();
    for (const key of ["a", "b", "c"]) await topic.append({ key, data: ap });
    await topic.append({ key: "b", data: { type: "switch" } });
    await topic.append({ key: "c", removed: true });
    const view = topic.view(ap);
    const told = (walk: Parameters<typeof view.entriesAfter>[0]): string =>
      [...view.entriesAfter(walk)].map(text).join("");
    expect(told(freshWalk(topic))).toBe("a@1;");
    expect(told(walkFrom(1))).toBe("b@4x;c@5x;");
    expect(told(walkFrom(4))).toBe("c@5x;");
    expect(told(walkFrom(5))).toBe("");
  });

  test("pages: a key that changes or is removed during a walk is on a later page", async () => {
    const { topic } = await joined();
    const data = { ...ap, pad: "x".repeat(30_000) };
    for (const key of ["a", "b", "c", "d", "e", "f"]) await topic.append({ key, data });
    const view = topic.view(ap);
    const walk = freshWalk(topic);
    const first = view.page(encoding, walk);
    expect([Buffer.from(first.bytes!).toString(), first.reached, first.isLast]).toEqual([
      "a@1;b@2;c@3;",
      3,
      false,
    ]);
    expect(view.page(encoding, walk).bytes, "shared").toBe(first.bytes);
    await topic.append({ key: "a", removed: true });
    const now = view.page(encoding, walk);
    expect(Buffer.from(now.bytes!).toString(), "made again").toBe("b@2;c@3;d@4;");
    await topic.append({ key: "b", data: { type: "switch" } });
    await topic.append({ key: "e", data });
    const second = view.page(encoding, { ...walk, reached: first.reached });
    expect([Buffer.from(second.bytes!).toString(), second.isLast]).toEqual([
      "d@4;f@6;a@7x;b@8x;e@9;",
      true,
    ]);
    expect([second.reached, second.told]).toEqual([9, 9]);
  });
});

describe("views of a topic", () => {
  test("for an application's match are shared for equal params, in whatever order", async () => {
    const { topic } = await openTopic(logTopic("alerts", { match: () => true }));
    const one = topic.view({ a: 1, b: { c: 1, d: 2 } });
    expect(topic.view({ b: { d: 2, c: 1 }, a: 1 })).toBe(one);
    expect(topic.view({ a: 1, b: { c: 1, d: 3 } })).not.toBe(one);
    expect(topic.view({ a: "1", b: { c: 1, d: 2 } })).not.toBe(one);
  });

  test("are one for all params if the topic cannot be narrowed", async () => {
    const { topic } = await openTopic(logTopic("alerts"));
    expect(topic.view({ a: 1 })).toBe(topic.view({}));
  });

  test("for params that a schema turns into equal-looking values are kept apart", async () => {
    const validate = (value: unknown): { value: unknown } => ({
      value: { wanted: new Set((value as { wanted: string[] }).wanted) },
    });
    const { topic } = await openTopic(
      logTopic("alerts", {
        params: { "~standard": { version: 1, vendor: "test", validate } },
        match: () => true,
      }),
    );
    expect(topic.view({ wanted: ["a"] })).not.toBe(topic.view({ wanted: ["b"] }));
  });

  test("send a resuming subscriber the keys that left, and no others", async () => {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    const set = (key: string, type: string): Promise<unknown> =>
      topic.append({ key, data: { type } });
    const view = topic.view({ type: "AP" });
    await set("stays", "AP");
    await set("leaves", "AP");
    await set("never", "machine");
    const { offset } = topic.position;
    await set("never", "machine");
    await set("leaves", "machine");
    await set("leaves", "machine");
    await set("flickers", "AP");
    await set("flickers", "machine");
    await set("returns", "machine");
    await set("returns", "AP");
    const told = [...view.entriesAfter(walkFrom(offset))];
    // "flickers" came and went meanwhile; to say so once more does no harm.
    expect(told.map(({ key, removed }) => [key, removed])).toEqual([
      ["leaves", true],
      ["flickers", true],
      ["returns", false],
    ]);
  });

  test("that did not exist when a subscriber disconnected send every key that may have left", async () => {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    await topic.append({ key: "a", data: { type: "AP" } });
    const { offset } = topic.position;
    await topic.append({ key: "a", data: { type: "machine" } });
    await topic.append({ key: "b", data: { type: "machine" } });
    const told = [...topic.view({ type: "AP" }).entriesAfter(walkFrom(offset))];
    expect(told.map(({ key, removed }) => [key, removed])).toEqual([
      ["a", true],
      ["b", true],
    ]);
  });

  test("that fell asleep unused know that they missed events", async () => {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    const view = topic.view({ type: "AP" });
    await topic.append({ key: "a", data: { type: "AP" } });
    const { offset } = topic.position;
    for (let n = 0; n < 1_001; n += 1) await topic.append({ key: "b", data: { type: "x", n } });
    await topic.append({ key: "a", data: { type: "machine" } });
    expect(topic.view({ type: "AP" })).toBe(view);
    const told = [...view.entriesAfter(walkFrom(offset))];
    expect(told.map(({ key }) => key)).toEqual(["b", "a"]);
  });

  test("without readers match nothing and do not accumulate", async () => {
    let matched = 0;
    const { topic } = await openTopic(logTopic("alerts", { match: () => (matched += 1) > 0 }));
    for (let n = 0; n < 20_000; n += 1) topic.view({ n });
    await topic.append({ data: 1 });
    expect(matched).toBe(0);
  });

  test("for an application's match are limited to 1,000 in use: another one is unavailable", async () => {
    const { topic } = await openTopic(logTopic("alerts", { match: () => true }));
    for (let n = 0; n < 1_000; n += 1) topic.view({ n }).join(encoding, reader);
    expect(() => topic.view({ n: 1_000 })).toThrow(
      expect.objectContaining({ code: "unavailable" }),
    );
    expect(() => topic.view({ n: 5 })).not.toThrow();
  });

  test("without readers return no outdated page", async () => {
    const { topic } = await openTopic(logTopic("alerts", { match: matchFields }));
    const view = topic.view({ type: "AP" });
    const walk = walkFrom(0);
    expect(view.page(encoding, walk).bytes).toHaveLength(0);
    await topic.append({ data: ap });
    expect(Buffer.from(view.page(encoding, walk).bytes!).toString()).toBe("@1;");
  });

  test("remember 1,000 tombstones, and know that earlier ones are unknown", () => {
    const tombstones = new Tombstones();
    tombstones.watchFrom(0);
    for (let offset = 1; offset <= 1_001; offset += 1) tombstones.left(`k${offset}`, offset);
    expect(tombstones.mayBeHeld("never there", 1)).toBe(false);
    expect(tombstones.mayBeHeld("k2", 1)).toBe(true);
    expect(tombstones.mayBeHeld("never there", 0)).toBe(true);
  });
});
