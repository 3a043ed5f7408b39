import { describe, expect, test } from "vitest";
import {
  decodeText,
  documentedDecoder,
  slicingDecoder,
} from "../../src/node/internals/decode-text.ts";

const ways = [
  ["the documented way", documentedDecoder],
  ["the fast way", slicingDecoder(Buffer.prototype)!],
  ["the one in use", decodeText],
] as const;

describe.each(ways)("%s of decoding text", (_, decode) => {
  test("gives ASCII and every width of UTF-8 as they are, byte order mark included", () => {
    for (const text of ["", "plain", "\ufeffgrüße 世界 🙂"]) {
      const bytes = Buffer.from(`<${text}>`);
      expect(decode(bytes, 1, bytes.length - 1, text === "plain")).toBe(text);
    }
  });

  test("takes any Uint8Array, also one in the middle of its buffer", () => {
    const whole = new Uint8Array(Buffer.from("xxhello"));
    expect(decode(whole.subarray(2), 0, 5, true)).toBe("hello");
    expect(decode(whole.subarray(2), 1, 3, false)).toBe("el");
  });
});

test("where Node's buffers have lost the undocumented methods, the fast way says so", () => {
  expect(slicingDecoder({})).toBeUndefined();
});
