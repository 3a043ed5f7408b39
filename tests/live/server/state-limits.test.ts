import { describe, expect, test } from "vitest";
import { keyedTopic } from "../../../src/live/index.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

const set = (
  key: string,
  data: unknown,
): { type: string; id: string } & Record<string, unknown> => ({
  type: "publish",
  id: key,
  topic: "devices",
  key,
  data,
});

describe("the size of a keyed topic", () => {
  test("beyond maxStateBytes: too_large, 413; removing makes room", async () => {
    const topics = [keyedTopic("devices", { clientPublish: true, maxStateBytes: 2_000 })];
    const live = await MemoryLive.open({ topics });
    const guest = await live.level1();
    const value = "x".repeat(900);
    expect(await guest.ask(set("a", value))).toMatchObject({ type: "published" });
    expect(await guest.ask(set("b", value))).toMatchObject({ type: "published" });
    const refusal = await guest.ask(set("c", 1));
    expect(refusal).toMatchObject({ type: "error", code: "too_large" });
    expect(refusal?.["message"]).toContain("2000 bytes");
    expect(live.live.topic("devices").position.offset).toBe(2);
    const remove = { type: "publish", id: "r", topic: "devices", key: "a", remove: true };
    expect(await guest.ask(remove)).toMatchObject({ type: "published" });
    expect(await guest.ask(set("c", 1))).toMatchObject({ type: "published" });
    const running = await RunningLive.start({ topics });
    await running.topic("devices").set("a", "x".repeat(3_000));
    const body = JSON.stringify({ key: "b", data: 1 });
    expect((await fetch(running.http("devices"), { method: "POST", body })).status).toBe(413);
  });

  test("the census reports the size of the topics' logs", async () => {
    const live = await MemoryLive.open({ topics: [keyedTopic("devices")] });
    expect(live.live.census()).toMatchObject({ topics: 1, logBytes: 0 });
    await live.live.topic("devices").set("a", "x".repeat(1_000));
    const { logBytes } = live.live.census();
    expect(logBytes).toBeGreaterThan(1_000);
    expect(logBytes).toBeLessThan(1_500);
  });
});

describe("a declaration's numbers", () => {
  test.each([
    ["retention.maxAgeMs", { retention: { maxAgeMs: Number.NaN } }, "maxAgeMs"],
    ["retention.maxEvents", { retention: { maxEvents: -1 } }, "maxEvents"],
    ["leaseMs", { leaseMs: "5" as never }, "leaseMs"],
    ["maxKeys", { maxKeys: Number.NaN }, "maxKeys"],
    ["maxStateBytes", { maxStateBytes: -5 }, "maxStateBytes"],
    ["presence.graceMs", { presence: { graceMs: Number.NaN } }, "graceMs"],
  ])(
    "%s that is not a number of 0 or more is refused with invalid_limit, by its name",
    async (_name, options, named) => {
      const opening = MemoryLive.open({ topics: [keyedTopic("devices", options)] });
      await expect(opening).rejects.toMatchObject({
        code: "invalid_limit",
        message: expect.stringContaining(`${named} of the topic devices`) as string,
      });
    },
  );

  test("0 (keep nothing) and Infinity (keep for ever) are accepted", async () => {
    const retention = { maxAgeMs: Number.POSITIVE_INFINITY, maxEvents: 0 };
    const presence = { graceMs: 0 };
    await MemoryLive.open({ topics: [keyedTopic("devices", { retention, presence })] });
  });
});
