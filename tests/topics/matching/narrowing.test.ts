import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchFields, type Params } from "../../../src/live/index.ts";
import { eventOf } from "../../../src/topics/index.ts";
import { compileParams, matcherOf, nameOf } from "../../../src/topics/matching/narrowing.ts";

const NAMES = ["a", "b", "0", "1", "length", "__proto__", "constructor", "toString"];

const leaf = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -0,
    1,
    1e21,
    "",
    "0",
    "1",
    "null",
    "true",
    "undefined",
    "NaN",
  ),
  fc.constantFrom({}, [], { toString: 1 }, ["1"]),
  fc.string({ maxLength: 3 }),
);

/** Fields as JSON, since only that can make an own `__proto__`. */
const fields = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), leaf), { maxLength: 4 })
  .map((pairs) => {
    const parts = pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    return JSON.parse(`{${parts.join(",")}}`) as Params;
  });

const data = fc.oneof(fields, fc.array(leaf, { maxLength: 3 }), leaf);

describe("compiled params", () => {
  test("match what matchFields matches, whatever the params and the data", () => {
    let matched = 0;
    fc.assert(
      fc.property(fields, data, fc.boolean(), (params, data, isLike) => {
        const alike = isLike && !Array.isArray(data) && typeof data === "object";
        const event = eventOf({ data: alike ? { ...data, ...params } : data }, 1, 0);
        const matches = matchFields(params, event);
        if (matches && Object.keys(params).length > 0) matched += 1;
        expect(matcherOf(compileParams(params))(event)).toBe(matches);
      }),
      { numRuns: 20_000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  test("have the same name if and only if they compare the same fields with the same texts", () => {
    const name = (params: Params): string => nameOf(compileParams(params));
    expect(name({ a: 1, b: "x" })).toBe(name({ b: "x", a: "1" }));
    expect(name({ a: null })).toBe(name({ a: "null" }));
    expect(name({ a: {} })).toBe(name({ b: 1, c: [] }));
    expect(name({ a: "1", b: "2" })).not.toBe(name({ a: "1" }));
    expect(name({ a: '1"],["b","2' })).not.toBe(name({ a: "1", b: "2" }));
    expect(new Set([name({}), name({ a: {} }), name({ all: "none" })]).size).toBe(3);
  });
});
