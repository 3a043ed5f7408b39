import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readObject, readValue } from "../../../src/topics/json/members.ts";

const pieces = [
  ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u00", "e9", " ", "\n", "\u0001", "é", "😀"],
  ["true", "false", "null", "-", "+", "0", "1", "01", ".", ".5", "e", "E", "e5", "E+1"],
  ['"a"', '"b":', '"\\n"', '"\\ud800"', "[1,2]", '{"a":1}', "nul", "\ufeff", "\u00a0"],
].flat();

/** Texts that are JSON, or nearly: pieces of it in any order. */
const nearlyJson = fc
  .array(fc.constantFrom(...pieces), { maxLength: 12 })
  .map((some) => some.join(""));

const spaces = fc.constantFrom("", "", " ", "\n\t", " \r ");

/** JSON with any space between its parts. */
const spaced = fc
  .tuple(fc.json(), fc.array(spaces, { minLength: 8, maxLength: 8 }))
  .map(([json, some]) => {
    let next = 0;
    return json.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g, (part) => {
      next += 1;
      return `${some[next % 8]}${part}${some[(next + 3) % 8]}`;
    });
  });

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

describe("reading JSON without parsing it", () => {
  test("accepts what JSON.parse accepts, and nothing else", () => {
    const text = fc.oneof(nearlyJson, fc.string(), spaced);
    const check = (json: string): void => {
      expect(readValue(json) === undefined).toBe(parse(json) === undefined);
    };
    fc.assert(fc.property(text, check), { numRuns: 20_000 });
  });

  test("the JSON passed on has the same meaning, without white space outside strings", () => {
    const check = (json: string): void => {
      const passed = readValue(json)!.json;
      expect(passed).toBe(JSON.stringify(JSON.parse(passed)));
      expect(parse(passed)).toEqual(parse(json));
    };
    // Numbers as JavaScript writes them, so that they can be compared as text.
    fc.assert(fc.property(spaced, check), { numRuns: 5_000 });
  });

  test("the members of an object are those that JSON.parse finds; the last of duplicates counts", () => {
    const names = ["a", "b", "data", "__proto__", "\n"];
    const member = fc.tuple(fc.constantFrom(...names), fc.json());
    const check = (members: [string, string][]): void => {
      const text = `{${members.map(([name, json]) => `${JSON.stringify(name)}: ${json}`).join(",")}}`;
      const found = readObject(text, new Set(names))!;
      const expected = new Map(members.map(([name, json]) => [name, JSON.parse(json) as unknown]));
      expect(new Map([...found].map(([name, part]) => [name, part.value]))).toEqual(expected);
    };
    fc.assert(fc.property(fc.array(member), check), { numRuns: 2_000 });
  });

  test.each(["[1]", "1", "null", '"{}"', "{}{}", "{} x", "{,}", '{"a":1,}', '{"a"}', "{"])(
    "%s is not an object",
    (text) => expect(readObject(text, new Set(["a"]))).toBe(undefined),
  );

  test.each(["1e400", "-1E400", "1e-400", "9007199254740993", "-12345678901234567890"])(
    "%s would become another number, and is passed on unchanged",
    (number) => {
      const part = readValue(`{"a":[${number}]}`)!;
      expect(part.lossyNumber).toBe(number);
      expect(part.json).toBe(`{"a":[${number}]}`);
    },
  );

  test.each([
    "0",
    "-0",
    "1e3",
    "0.1",
    "9007199254740991",
    "1.7976931348623157e308",
    "0e999",
    "5e-324",
  ])("%s is the same number once it is parsed", (number) =>
    expect(readValue(number)!.lossyNumber).toBe(undefined),
  );

  test("nesting of any depth uses no stack", () => {
    const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect(readValue(deep(1_000))?.depth).toBe(1_000);
    expect(readValue(deep(500_000))).toBe(undefined);
    expect(readObject(`{"a":1,"x":${deep(1_001)}}`, new Set(["a"]))?.get("a")?.value).toBe(1);
  });

  test("members count as wide in objects with more than 1,000", () => {
    const object = (members: number): string =>
      `{${Array.from({ length: members }, (_, at) => `"${at}":{}`).join(",")}}`;
    expect(readValue(object(1_000))!.wideMembers).toBe(0);
    expect(readValue(`[${object(1_001)},${object(1_002)},[{}]]`)!.wideMembers).toBe(2_003);
  });

  test("a part that is kept does not keep a long text alive", () => {
    const text = `{"junk":"${"x".repeat(1_000)}","data":"0123456789abcdef"}`;
    const { json } = readObject(text, new Set(["data"]))!.get("data")!;
    expect(json).toBe('"0123456789abcdef"');
  });
});
