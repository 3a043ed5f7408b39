import { expect, test } from "vitest";
import { logTopic } from "../../../src/live/index.ts";
import { jsonOf } from "../../../src/topics/json/json-data.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

const circle: Record<string, unknown> = {};
circle["self"] = circle;

test.each([
  [Number.NaN, "data is NaN; publish JSON-compatible data."],
  [{ price: Number.POSITIVE_INFINITY }, "data.price is Infinity;"],
  [{ prices: [1, 2, null, Number.NEGATIVE_INFINITY] }, "data.prices[3] is -Infinity;"],
  [{ "a b": { c: Number.NaN } }, 'data["a b"].c is NaN;'],
  [{ at: new Date(Number.NaN) }, "data.at is an invalid Date;"],
  [{ own: { toJSON: () => ({ inside: Number.NaN }) } }, "data.own.inside is NaN;"],
  [{ text: "null", list: [null, { n: Number.NaN }] }, "data.list[1].n is NaN;"],
  [{ big: [1n] }, "data.big[0] is a BigInt; publish it as a number or a string."],
  [undefined, "data is undefined;"],
  [() => 1, "data is function;"],
  [Symbol("a"), "data is symbol;"],
  [circle, "The data cannot be serialized as JSON (Converting circular"],
])("%o is refused with its path", (data, says) => {
  const refusal = expect.objectContaining({
    code: "invalid_data",
    message: expect.stringContaining(says),
  });
  expect(() => jsonOf(data)).toThrow(refusal);
});

test.each([
  [{ a: null, b: undefined, c: [undefined, null], d: "null" }],
  [null],
  ["null and void"],
  [{ at: new Date(0), none: null }],
  [{ hidden: { toJSON: () => null, n: Number.NaN } }],
  [{ once: circleFree(), twice: circleFree(), none: null }],
])("%o becomes what JSON.stringify makes of it", (data) => {
  expect(jsonOf(data)).toBe(JSON.stringify(data));
});

function circleFree(): object {
  const shared = { n: 1 };
  return { shared, again: shared };
}

test("data without null in its JSON is not searched", () => {
  let asked = 0;
  const data = {
    toJSON: () => {
      asked += 1;
      return 1;
    },
  };
  jsonOf(data);
  expect(asked).toBe(1);
});

test("a NaN published by the server's own code is rejected, and nothing is stored", async () => {
  const { live } = await MemoryLive.open({ topics: [logTopic("news")] });
  await expect(live.topic("news").publish({ price: Number.NaN })).rejects.toMatchObject({
    code: "invalid_data",
    message: "data.price is NaN; publish JSON-compatible data.",
  });
  expect([...live.topic("news").events()]).toEqual([]);
});
