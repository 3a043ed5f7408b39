import { describe, expect, test } from "vitest";
import {
  decodeText,
  documentedDecoder,
  slicingDecoder,
} from "../../../src/node/internals/decode-text.ts";

const ways = [
  ["the documented implementation", documentedDecoder],
  ["the fast implementation", slicingDecoder(Buffer.prototype)!],
  ["the implementation in use", decodeText],
] as const;

describe.each(ways)("%s of decoding text", (_, decode) => {
  test("leaves ASCII and every width of UTF-8 unchanged, byte order mark included", () => {
    for (const text of ["", "plain", "\ufeffgrüße 世界 🙂"]) {
      const bytes = Buffer.from(`<${text}>`);
      expect(decode(bytes, 1, bytes.length - 1, text === "plain")).toBe(text);
    }
  });

  test("accepts any Uint8Array, even in the middle of its buffer", () => {
    const whole = new Uint8Array(Buffer.from("xxhello"));
    expect(decode(whole.subarray(2), 0, 5, true)).toBe("hello");
    expect(decode(whole.subarray(2), 1, 3, false)).toBe("el");
  });
});

test("slicingDecoder returns undefined if Node's buffers do not have the undocumented methods", () => {
  expect(slicingDecoder({})).toBeUndefined();
});
