import { describe, expect, test } from "vitest";
import {
  directWriter,
  documentedWriter,
  writeText,
} from "../../../src/node/internals/write-text.ts";

const ways = [
  ["the documented implementation", documentedWriter],
  ["the fast implementation", directWriter(Buffer.prototype)!],
  ["the implementation in use", writeText],
] as const;

describe.each(ways)("%s of writing text", (_, write) => {
  test("writes every width of UTF-8 at its position, and returns the length", () => {
    for (const text of ["", "plain", "\ufeffgrüße 世界 🙂"]) {
      const expected = Buffer.from(text);
      const target = Buffer.alloc(expected.length + 4, 0xa5);
      expect(write(text, target, 2)).toBe(expected.length);
      expect(target.subarray(2, -2)).toEqual(expected);
      expect([...target.subarray(0, 2), ...target.subarray(-2)]).toEqual([0xa5, 0xa5, 0xa5, 0xa5]);
    }
  });

  test("writes U+FFFD for a lone surrogate", () => {
    const target = Buffer.alloc(3);
    expect(write("\ud800", target, 0)).toBe(3);
    expect(target.toString()).toBe("\ufffd");
  });
});

test("directWriter returns undefined if Node's buffers do not have the undocumented method", () => {
  expect(directWriter({})).toBeUndefined();
});
