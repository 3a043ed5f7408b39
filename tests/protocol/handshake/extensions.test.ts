import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatExtensions, parseExtensions } from "../../../src/protocol/index.ts";
import type { Extension } from "../../../src/protocol/index.ts";

const token = fc.string({
  unit: fc.constantFrom(...Array.from("abcXYZ019!#$%&'*+-.^_`|~")),
  minLength: 1,
  maxLength: 8,
});

const extension: fc.Arbitrary<Extension> = fc.record({
  name: token,
  parameters: fc.array(fc.record({ name: token, value: fc.option(token, { nil: undefined }) }), {
    maxLength: 4,
  }),
});

describe("Sec-WebSocket-Extensions' grammar (RFC 6455 §9.1)", () => {
  test.each<[string, Extension[]]>([
    ["foo", [{ name: "foo", parameters: [] }]],
    [
      "foo, bar",
      [
        { name: "foo", parameters: [] },
        { name: "bar", parameters: [] },
      ],
    ],
    [
      "\t foo ;\ta = 1 ; b , bar ",
      [
        {
          name: "foo",
          parameters: [
            { name: "a", value: "1" },
            { name: "b", value: undefined },
          ],
        },
        { name: "bar", parameters: [] },
      ],
    ],
    ['foo; a="1"', [{ name: "foo", parameters: [{ name: "a", value: "1" }] }]],
    ['foo; a="x\\yz"', [{ name: "foo", parameters: [{ name: "a", value: "xyz" }] }]],
    [
      "foo; a=1; a=2",
      [
        {
          name: "foo",
          parameters: [
            { name: "a", value: "1" },
            { name: "a", value: "2" },
          ],
        },
      ],
    ],
  ])("%j is legal (RFC 6455 §9.1)", (value, expected) => {
    expect(parseExtensions(value)).toEqual(expected);
  });

  test.each(["", " ", ",", " ,\t, ,"])(
    "%j is a list without elements (RFC 9110 §5.6.1.2)",
    (value) => {
      expect(parseExtensions(value)).toEqual([]);
    },
  );

  test.each([", ,foo; a,,bar,,", "foo; a,\t,bar", ",foo; a,bar", "foo; a , , bar,"])(
    "the empty elements of %j are ignored (RFC 9110 §5.6.1.2)",
    (value) => {
      expect(parseExtensions(value)).toEqual([
        { name: "foo", parameters: [{ name: "a", value: undefined }] },
        { name: "bar", parameters: [] },
      ]);
    },
  );

  test.each([
    ";",
    "=",
    "foo;",
    "foo; ;a",
    "foo; a=",
    "foo; =a",
    "foo=1",
    "foo a",
    "foo; a=1 b",
    "foo;,bar",
    "foo; a=,bar",
    "foo,;bar",
    "föö",
    "foo; a=ü",
    "foo/bar",
    "(foo)",
    '"foo"',
    'foo; a="',
    'foo; a="1',
    'foo; a="1\\',
    'foo; a="1\\"',
    'foo; a=""',
    'foo; a="1"2',
    'foo; a="b c"',
    'foo; a="b;c"',
    'foo; "a"=1',
    'foo; a=1"2"',
    "foo\0",
    "foo\r\nbar",
    "foo;\na",
    "foo; a='1';;",
  ])("%j is malformed (RFC 6455 §9.1)", (value) => {
    expect(parseExtensions(value)).toBeUndefined();
  });

  test("formatted extensions parse to the same (RFC 6455 §9.1)", () => {
    fc.assert(
      fc.property(fc.array(extension, { minLength: 1, maxLength: 4 }), (extensions) => {
        expect(parseExtensions(formatExtensions(extensions))).toEqual(extensions);
      }),
      { numRuns: 500 },
    );
  });

  test("quoted, escaped and bare values are equal (RFC 6455 §9.1)", () => {
    fc.assert(
      fc.property(token, token, (name, value) => {
        const expected = [{ name, parameters: [{ name, value }] }];
        const escaped = Array.from(value, (unit) => `\\${unit}`).join("");
        for (const written of [value, `"${value}"`, `"${escaped}"`]) {
          expect(parseExtensions(`${name};${name}=${written}`)).toEqual(expected);
        }
      }),
    );
  });

  test("any text gives extensions of tokens or nothing, and never throws", () => {
    const unit = fc.constantFrom(...Array.from('ab0 \t,;="\\\0é'));
    const isToken = (text: string): boolean => /^[!#$%&'*+\-.^_`|~\w]+$/.test(text);
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
        for (const { name, parameters } of parseExtensions(text) ?? []) {
          expect(isToken(name)).toBe(true);
          for (const parameter of parameters) {
            expect(isToken(parameter.name)).toBe(true);
            if (parameter.value !== undefined) expect(isToken(parameter.value)).toBe(true);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("names of prototypes are ordinary names (websocket-extensions)", () => {
    const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"];
    for (const name of names) {
      const [parsed] = parseExtensions(`${name}; ${name}=1; ${name}`)!;
      expect(parsed).toEqual({
        name,
        parameters: [
          { name, value: "1" },
          { name, value: undefined },
        ],
      });
      expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    }
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });
});

describe("linear time (CVE-2020-7662)", () => {
  const MEGABYTE = 1 << 20;

  // Quadratic code would take minutes for any of these and exceed the test's time limit.
  test.each<[string, (size: number) => string]>([
    ["an unclosed quote", (size) => `a; b="${"c".repeat(size)}`],
    ["unclosed quotes", (size) => `a${'; b="'.repeat(size / 5)}`],
    ["backslashes in an unclosed quote", (size) => `a; b="${"\\".repeat(size)}`],
    ["escaped quotes", (size) => `a; b="${'\\"'.repeat(size / 2)}`],
    ["spaces", (size) => `a;${" ".repeat(size)}`],
    ["spaces after a name", (size) => `a${" ".repeat(size)}b`],
    ["semicolons", (size) => `a${";".repeat(size)}`],
    ["commas", (size) => `${",".repeat(size)};`],
    ["parameters, the last one malformed", (size) => `a${"; b=c".repeat(size / 5)};`],
    ["one long malformed token", (size) => `${"a".repeat(size)}\0`],
  ])("a megabyte of %s is rejected in linear time", (_, make) => {
    expect(parseExtensions(make(MEGABYTE / 2))).toBeUndefined();
    expect(parseExtensions(make(MEGABYTE))).toBeUndefined();
  });

  test("a megabyte of legal extensions is parsed in linear time", () => {
    expect(parseExtensions(`a${", a".repeat(MEGABYTE / 3)}`)).toHaveLength(
      Math.floor(MEGABYTE / 3) + 1,
    );
  });

  test("each character of a value is read a constant number of times", () => {
    // Counts the reads of the single pass: twice as long a token must take twice the reads.
    const reads = (size: number): number => {
      let count = 0;
      const text = `a; b="${"c\\d".repeat(size)}"`;
      const counted = new Proxy(Object(text) as object, {
        get(target, key) {
          if (key === "charCodeAt" || key === "slice") {
            return (...given: number[]): unknown => {
              count += key === "slice" ? given[1]! - given[0]! : 1;
              return (text[key] as (...all: number[]) => unknown)(...given);
            };
          }
          count += 1;
          return Reflect.get(target, key, target) as unknown;
        },
      });
      parseExtensions(counted as unknown as string);
      return count;
    };
    const ratio = reads(4000) / reads(2000);
    expect(ratio).toBeGreaterThan(1.9);
    expect(ratio).toBeLessThan(2.1);
  });
});
