import { expect, test } from "vitest";
import { keyedTopic, logTopic } from "../../../src/live/index.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

/** Makes more of what is published than came. */
const longer = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: String(value).repeat(100) }),
  },
};

const open = (): Promise<MemoryLive> =>
  MemoryLive.open({
    maxMessageBytes: 1_000,
    topics: [
      logTopic("news"),
      keyedTopic("prices"),
      logTopic("made", { clientPublish: true, data: longer }),
    ],
  });

test.each([
  ["of ASCII", "x".repeat(998), "x".repeat(999)],
  ["of two bytes a character", "é".repeat(499), "é".repeat(500)],
  ["of three bytes a character", "€".repeat(332), "€".repeat(333)],
  ["of four bytes a character", "😀".repeat(249), "😀".repeat(250)],
])(
  "a value %s may have maxMessageBytes as JSON, and not one byte more",
  async (_what, fits, longerOne) => {
    const { live } = await open();
    const why = {
      code: "too_large",
      message: expect.stringContaining("1000 bytes of maxMessageBytes"),
    };
    await live.topic("news").publish(fits);
    await live.topic("prices").set("a", fits);
    await expect(live.topic("news").publish(longerOne)).rejects.toMatchObject(why);
    await expect(live.topic("prices").set("a", longerOne)).rejects.toMatchObject(why);
    expect(live.topic("prices").get("a")).toBe(fits);
    expect([...live.topic("news").events()]).toHaveLength(1);
  },
);

test("the output of a schema may not be longer either", async () => {
  const live = await open();
  const guest = await live.level1();
  const publish = { type: "publish", topic: "made" };
  expect(await guest.ask({ ...publish, id: 1, data: "123" })).toMatchObject({ type: "published" });
  expect(await guest.ask({ ...publish, id: 2, data: "12345678901" })).toMatchObject({
    type: "error",
    code: "too_large",
  });
});
