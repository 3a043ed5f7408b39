import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic } from "../../../src/live/index.ts";
import { recover } from "../../../src/topics/log/recover.ts";
import type { Topic } from "../../../src/topics/topic.ts";
import { openTopic } from "../../rigs/live/open-topic.ts";

/** Six events, of which a log topic holds the last three and a keyed one lacks tombstones up to 4. */
async function filled(kind: "log" | "keyed"): Promise<Topic> {
  if (kind === "log") {
    const { topic } = await openTopic(logTopic("t", { retention: { maxEvents: 3 } }));
    for (let n = 1; n <= 6; n += 1) await topic.append({ data: n });
    return topic;
  }
  const { topic } = await openTopic(keyedTopic("t", { retention: { maxEvents: 1 } }));
  for (const key of ["a", "b", "c"]) await topic.append({ key, data: 1 });
  for (const key of ["a", "b"]) await topic.append({ key, removed: true });
  await topic.append({ key: "d", data: 1 });
  return topic;
}

describe("going on", () => {
  test("a log topic without a position: from now on", async () => {
    const topic = await filled("log");
    expect(recover(topic, undefined)).toMatchObject({ kind: "fresh", walk: { reached: 6 } });
  });

  test("a keyed topic without a position: from its beginning", async () => {
    const topic = await filled("keyed");
    expect(recover(topic, undefined)).toMatchObject({
      kind: "fresh",
      walk: { reached: 0, complete: true },
    });
  });

  test.each([
    ["log", 3],
    ["keyed", 4],
  ] as const)(
    "a %s topic from %d, where its retention begins, or later: resumed",
    async (kind, floor) => {
      const topic = await filled(kind);
      const { epoch } = topic.position;
      for (let offset = floor; offset <= 6; offset += 1) {
        const walk = { reached: offset, base: offset, complete: false };
        expect(recover(topic, { epoch, offset })).toEqual({ kind: "resumed", walk });
      }
    },
  );

  test("from before that: a gap up to now, or the whole state", async () => {
    const log = await filled("log");
    const gap = { kind: "gap", from: 3, to: 6, reason: "expired", walk: { reached: 6 } };
    expect(recover(log, { ...log.position, offset: 2 })).toMatchObject(gap);
    const keyed = await filled("keyed");
    expect(recover(keyed, { ...keyed.position, offset: 3 })).toMatchObject({ kind: "fresh" });
  });

  test("from an event that has expired since: expired too", async () => {
    const { topic, clock } = await openTopic(logTopic("t", { retention: { maxAgeMs: 1_000 } }));
    await topic.append({ data: 1 });
    const { epoch } = topic.position;
    expect(recover(topic, { epoch, offset: 0 })).toMatchObject({ kind: "resumed" });
    clock.advance(1_001);
    const gap = { kind: "gap", from: 1, to: 1, reason: "expired" };
    expect(recover(topic, { epoch, offset: 0 })).toMatchObject(gap);
    expect(recover(topic, { epoch, offset: 1 })).toMatchObject({ kind: "resumed" });
  });

  test("from another epoch: a gap over all of this one, whatever the offset, or the whole state", async () => {
    const log = await filled("log");
    for (const offset of [0, 4, 6, 99]) {
      const gap = { kind: "gap", from: 1, to: 6, reason: "epoch" };
      expect(recover(log, { epoch: "other", offset })).toMatchObject(gap);
      const keyed = await filled("keyed");
      expect(recover(keyed, { epoch: "other", offset })).toMatchObject({ kind: "fresh" });
    }
  });

  test.each(["log", "keyed"] as const)("a %s topic from beyond its end: ahead", async (kind) => {
    const topic = await filled(kind);
    expect(recover(topic, { ...topic.position, offset: 7 })).toEqual({ kind: "ahead" });
  });
});
