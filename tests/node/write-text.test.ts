import { describe, expect, test } from "vitest";
import { directWriter, documentedWriter, writeText } from "../../src/node/internals/write-text.ts";

const ways = [
  ["the documented way", documentedWriter],
  ["the fast way", directWriter(Buffer.prototype)!],
  ["the one in use", writeText],
] as const;

describe.each(ways)("%s of writing text", (_, write) => {
  test("writes every width of UTF-8 where it is told to, and says how much", () => {
    for (const text of ["", "plain", "\ufeffgrüße 世界 🙂"]) {
      const expected = Buffer.from(text);
      const target = Buffer.alloc(expected.length + 4, 0xa5);
      expect(write(text, target, 2)).toBe(expected.length);
      expect(target.subarray(2, -2)).toEqual(expected);
      expect([...target.subarray(0, 2), ...target.subarray(-2)]).toEqual([0xa5, 0xa5, 0xa5, 0xa5]);
    }
  });

  test("makes U+FFFD of a lone surrogate", () => {
    const target = Buffer.alloc(3);
    expect(write("\ud800", target, 0)).toBe(3);
    expect(target.toString()).toBe("\ufffd");
  });
});

test("where Node's buffers have lost the undocumented method, the fast way says so", () => {
  expect(directWriter({})).toBeUndefined();
});
