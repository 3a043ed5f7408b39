import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { keyedTopic, LiveServer, matchFields } from "../../src/live/index.ts";
import { eventOf } from "../../src/topics/index.ts";
import { formatPosition, parseOffset, parsePosition } from "../../src/topics/position.ts";
import { isTopicName } from "../../src/topics/declaration/topic-name.ts";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";

describe("a topic's name", () => {
  test.each([
    "a",
    "devices",
    "a.b_c~d-e/F/9",
    "/".padStart(2, "x").concat("y"),
    "x".repeat(255),
    "__proto__",
  ])("%j is one", (name) => expect(isTopicName(name)).toBe(true));

  test.each([
    "",
    "/a",
    "a/",
    "/",
    "a b",
    "ä",
    "a$b",
    "a/$presence",
    "a\n",
    "x".repeat(256),
    "a?b",
    "a#b",
    "a%20b",
  ])("%j is not a topic name", (name) => expect(isTopicName(name)).toBe(false));

  test("a live server refuses an invalid name and a duplicate declaration", async () => {
    const broker = new MemoryBroker();
    for (const names of [["a b"], ["a", "a"]]) {
      const topics = names.map((name) => keyedTopic(name));
      const opened = LiveServer.open({ topics, broker });
      await expect(opened).rejects.toMatchObject({ code: "invalid_topic" });
    }
  });
});

describe("a position as text", () => {
  test("can be parsed again, whatever the epoch", () => {
    const position = fc.record({ epoch: fc.string({ minLength: 1 }), offset: fc.maxSafeNat() });
    fc.assert(
      fc.property(position, (position) => {
        expect(parsePosition(formatPosition(position))).toEqual(position);
      }),
    );
  });

  test.each([
    "",
    ":",
    ":1",
    "e",
    "e:",
    "e:x",
    "e:-1",
    "e:1.5",
    "e:1e3",
    "e: 1",
    "e:9007199254740992",
    "e:99999999999999999999",
  ])("%j is not a position", (text) => expect(parsePosition(text)).toBeUndefined());

  test("an offset goes up to 2^53 − 1", () => {
    expect(parseOffset("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseOffset("9007199254740992")).toBeUndefined();
  });
});

/** The same value with the keys of its objects the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, part]) => [name, reversed(part)]),
  );
}

describe("canonical JSON", () => {
  test("is the same for equal values, in whatever order their keys are, and represents the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)!;
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("keeps a key named __proto__", () => {
    const value: unknown = JSON.parse('{"__proto__":1,"a":2}');
    expect(canonicalJson(value)).toBe('{"__proto__":1,"a":2}');
    expect(canonicalJson({ a: 2 })).not.toBe(canonicalJson(value));
  });

  test("is undefined for what is too deep for the stack, or not JSON", () => {
    expect(canonicalJson(JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`))).toBeUndefined();
    expect(canonicalJson({ a: 1n })).toBeUndefined();
  });
});

describe("matchFields", () => {
  const event = (data: unknown): Parameters<typeof matchFields>[1] => eventOf({ data }, 1, 0);

  test("every param must equal the field of its name, as text", () => {
    expect(matchFields({}, event(1))).toBe(true);
    expect(matchFields({ n: "5", type: "AP" }, event({ n: 5, type: "AP" }))).toBe(true);
    expect(matchFields({ n: "5" }, event({ n: 6 }))).toBe(false);
    expect(matchFields({ on: "true", none: "null" }, event({ on: true, none: null }))).toBe(true);
    expect(matchFields({ type: "AP" }, event("AP"))).toBe(false);
    expect(matchFields({ type: "AP" }, event(null))).toBe(false);
  });

  test("fields that every object inherits are not fields", () => {
    expect(matchFields({ constructor: Object.prototype.constructor.toString() }, event({}))).toBe(
      false,
    );
    expect(
      matchFields(JSON.parse('{"__proto__":"[object Object]"}') as object as never, event({})),
    ).toBe(false);
  });

  test("never throws, whatever the params and the data are", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (params, data) => {
        expect(typeof matchFields(params, event(data))).toBe("boolean");
      }),
    );
    expect(matchFields({ a: { toString: 1 } }, event({ a: { toString: 1 } }))).toBe(false);
  });
});
