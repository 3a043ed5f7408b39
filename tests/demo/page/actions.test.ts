import { describe, expect, test } from "vitest";
import { actionText, outcomeText } from "../../../demo/page/src/live/actions/command-texts.ts";
import type { ShownCommand } from "../../../demo/page/src/live/actions/commands.ts";
import { rowsOf } from "../../../demo/page/src/live/connections/connection-rows.ts";
import { dotsAround } from "../../../demo/page/src/live/connections/dots.ts";
import { viewersTopic } from "../../../demo/page/src/live/viewers-topic.ts";
import { quantitiesOf } from "../../../demo/page/src/quantities.ts";
import { en } from "../../../demo/page/src/texts/en.ts";
import { zhCn } from "../../../demo/page/src/texts/zh-cn.ts";

const english = { t: en, q: quantitiesOf("en") };
const chinese = { t: zhCn, q: quantitiesOf("zh-CN") };

const now = 1_000_000;

function command(fields: Partial<ShownCommand>): ShownCommand {
  const common = { key: "k", identity: "ap-01", method: "restart", state: "pending" } as const;
  return { ...common, givenAt: now - 3_000, expiresAt: now + 60_000, ...fields };
}

describe("the outcome of a command in words", () => {
  test.each<[string, Partial<ShownCommand>, string]>([
    ["at work", { state: "delivered" }, "given 3\u202fs ago"],
    ["a restart", { state: "done", result: { awaySeconds: 3.4 } }, "was away for 3.4 s"],
    [
      "an interval",
      { method: "reportEvery", state: "done", result: { seconds: 0.2 } },
      "reports every 0.2 s now",
    ],
    [
      "a machine's report",
      { method: "measure", state: "done", result: { cpu: { percent: 12.4 } } },
      "CPU 12%",
    ],
    [
      "an access point's report",
      { method: "measure", state: "done", result: { channelUse: 40 } },
      "channel use 40%",
    ],
    ["an answer of another shape", { state: "done", result: "ok" }, "was away for — s"],
    [
      "a failure",
      { state: "failed", error: { code: "updating", message: "An update is running." } },
      "An update is running.",
    ],
  ])("%s", (_, fields, expected) => {
    expect(outcomeText(command(fields), now, english)).toBe(expected);
  });

  test("every state has words in both languages", () => {
    for (const state of Object.keys(en.commands.state) as ShownCommand["state"][]) {
      const error = { code: "x", message: "x" };
      for (const words of [english, chinese]) {
        expect(outcomeText(command({ state, error }), now, words)).not.toBe("");
        expect(words.t.commands.state[state]).not.toBe("");
      }
    }
  });

  test("a method that this page does not know is shown by its name", () => {
    expect(actionText({ method: "explode" }, english)).toBe("explode");
  });
});

describe("the topic of a device's viewers", () => {
  test.each(["ap-01", "rack 7/ü", "机房-3", "a~20b", "a b", "!'()*", "x".repeat(255)])(
    "%s has a valid name",
    (device) => {
      expect(viewersTopic(device)).toMatch(/^viewers\/[A-Za-z0-9._~-]+$/);
      expect(viewersTopic(device).length).toBeLessThan(245);
    },
  );

  test("different devices have different names", () => {
    expect(viewersTopic("a b")).not.toBe(viewersTopic("a~20b"));
  });
});

test("connections that are behind come first, then devices by name, then visitors", () => {
  const one = {
    node: "n",
    nodeKey: "k",
    since: 1,
    level: 1,
    subscriptions: 0,
    unreadBytes: 0,
  } as const;
  const rows = rowsOf(
    new Map([
      ["a", { ...one, identity: "visitor:0" }],
      ["b", { ...one, identity: "ap-10" }],
      ["c", { ...one, identity: "ap-9" }],
      ["d", { ...one, identity: "visitor:1", unreadBytes: 2_048 }],
    ]),
  );
  expect(rows.map(({ key }) => key)).toEqual(["d", "c", "b", "a"]);
});

test.each([0, 1, 14, 15, 200])(
  "%i dots have places of their own, apart from each other",
  (count) => {
    const dots = dotsAround(count);
    expect(dots).toHaveLength(count);
    for (const [at, { x, y }] of dots.entries()) {
      expect(Math.hypot(x, y)).toBeGreaterThan(30);
      for (const other of dots.slice(at + 1)) {
        expect(Math.hypot(x - other.x, y - other.y)).toBeGreaterThan(10);
      }
    }
  },
);
