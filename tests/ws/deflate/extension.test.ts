import { describe, expect, test } from "vitest";
import { extension, subprotocol } from "../../rigs/ws/implementation.ts";

const { parse, format } = extension;

/** Returns a short form of the error for a header: the index of the wrong character, or `end`. */
function wrongAt(read: (field: string) => unknown, field: string): number | "end" | undefined {
  try {
    read(field);
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== "SyntaxError") throw error;
    if (message === "Unexpected end of input") return "end";
    const index = /^Unexpected character at index (\d+)$/.exec(message)?.[1];
    return index === undefined ? undefined : Number(index);
  }
}

describe("extension.parse", () => {
  test("returns each offer's parameters by name, in objects without a prototype", () => {
    const offers = parse("foo");
    expect(Object.getPrototypeOf(offers)).toBeNull();
    expect(Object.getPrototypeOf(offers["foo"]![0])).toBeNull();
    expect(structuredClone(offers)).toEqual({ foo: [{}] });
  });

  test.each([
    ["foo;bar;baz=1;bar=2", { foo: [{ bar: [true, "2"], baz: ["1"] }] }],
    ["foo,bar;baz,foo;baz", { foo: [{}, { baz: [true] }], bar: [{ baz: [true] }] }],
    ['foo;bar="hi"', { foo: [{ bar: ["hi"] }] }],
    ['foo;bar="\\0"', { foo: [{ bar: ["0"] }] }],
    ['foo;bar="b\\a\\z"', { foo: [{ bar: ["baz"] }] }],
    ['foo;bar="b\\az";bar', { foo: [{ bar: ["baz", true] }] }],
    [
      'foo; bar\t; \tbaz=1\t ;  bar="1"\t\t, \tqux\t ;norf',
      { foo: [{ bar: [true, "1"], baz: ["1"] }], qux: [{ norf: [true] }] },
    ],
    ["hasOwnProperty, toString", { hasOwnProperty: [{}], toString: [{}] }],
    ["foo;constructor", { foo: [{ constructor: [true] }] }],
  ])("takes %s", (field, offers) => {
    expect(structuredClone(parse(field))).toEqual(offers);
  });

  test("a name that exists on prototypes does no harm", () => {
    const offers = parse("__proto__;__proto__=1");
    expect(Object.keys(offers)).toEqual(["__proto__"]);
    expect(Object.keys(offers["__proto__"]![0]!)).toEqual(["__proto__"]);
  });

  test.each([
    [",", 0],
    ["foo,,", 4],
    ["foo,  ,", 6],
    ["foo;=", 4],
    ["foo; =", 5],
    ["foo;;", 4],
    ["foo; ;", 5],
    ["foo;bar=,", 8],
    ['foo;bar=""', 9],
  ])("a name or value is missing in %s", (field, at) => {
    expect(wrongAt(parse, field)).toBe(at);
  });

  test.each([
    [" foo", 0],
    ["f oo", 2],
    ["foo;ba r", 7],
    ["foo;bar =", 8],
    ["foo;bar= ", 8],
    ["foo;bar=ba z", 11],
    ['foo;bar="baz"qux', 13],
    ['foo;bar="baz" qux', 14],
  ])("a blank or a word is in the wrong place in %s", (field, at) => {
    expect(wrongAt(parse, field)).toBe(at);
  });

  test.each([
    ["f@o", 1],
    ["f\\oo", 1],
    ['"foo"', 0],
    ['f"oo"', 1],
    ["foo;b@r", 5],
    ["foo;b\\ar", 5],
    ['foo;"bar"', 4],
    ['foo;b"ar"', 5],
    ["foo;bar=b@z", 9],
    ["foo;bar=b\\az ", 9],
    ['foo;bar="b@z"', 10],
    ['foo;bar="baz;"', 12],
    ['foo;bar=b"az"', 9],
    ['foo;bar="\\\\"', 10],
  ])("this character is not valid in a token: %s", (field, at) => {
    expect(wrongAt(parse, field)).toBe(at);
  });

  test.each([
    "",
    "foo ",
    "foo\t",
    "foo, ",
    "foo;",
    "foo;bar ",
    "foo;bar,",
    "foo;bar; ",
    "foo;bar=",
    'foo;bar="baz',
    'foo;bar="1\\',
    'foo;bar="baz" ',
  ])("'%s' ends too early", (field) => {
    expect(wrongAt(parse, field)).toBe("end");
  });
});

describe("extension.format", () => {
  test.each([
    [{ foo: {} }, "foo"],
    [{ foo: { bar: [true, 2], baz: 1 } }, "foo; bar; bar=2; baz=1"],
    [{ foo: [{}, { baz: true }], bar: { baz: true } }, "foo, foo; baz, bar; baz"],
  ] as const)("formats %j as a header", (offers, field) => {
    expect(format(offers as never)).toBe(field);
  });
});

describe("subprotocol.parse", () => {
  test.each([
    ["foo", ["foo"]],
    ["foo,bar,baz", ["foo", "bar", "baz"]],
    ["foo , bar\t, \tbaz\t ,  qux\t\t,norf", ["foo", "bar", "baz", "qux", "norf"]],
  ])("returns the names of '%s' in order", (field, names) => {
    const set = subprotocol.parse(field);
    expect(set).toBeInstanceOf(Set);
    expect([...set]).toEqual(names);
  });

  test.each([
    [",", 0],
    ["foo,,", 4],
    ["foo,  ,", 6],
    ["f oo", 2],
    [" foo", 0],
    ["f@o", 1],
    ["f\\oo", 1],
    ["foo,b@r", 5],
    ["", "end"],
    ["foo ", "end"],
    ["foo, ", "end"],
    ["foo,bar ", "end"],
    ["foo,bar,", "end"],
  ])("reports the position of the error in '%s'", (field, at) => {
    expect(wrongAt((given) => subprotocol.parse(given), field)).toBe(at);
  });

  test.each(["foo,foo,bar", "foo,bar,foo"])("rejects a repeated name, as in %s", (field) => {
    const duplicated = new SyntaxError('The "foo" subprotocol is duplicated');
    expect(() => subprotocol.parse(field)).toThrow(duplicated);
  });
});
