import { describe, expect, test } from "vitest";
import { webByteOperations } from "../../src/base/index.ts";

describe("the byte operations of the web platform", () => {
  test("allocate returns as many bytes as requested", () => {
    expect(webByteOperations.allocate(0)).toHaveLength(0);
    expect(webByteOperations.allocate(1000)).toHaveLength(1000);
  });

  test("borrowBlock returns at least as many, and returned blocks do no harm", () => {
    for (const size of [0, 1, 4096, 4097, 100_000]) {
      const block = webByteOperations.borrowBlock(size);
      expect(block.length).toBeGreaterThanOrEqual(size);
      webByteOperations.returnBlock(block);
    }
  });

  test("writeUtf8 writes at its position, exactly within the given room", () => {
    for (const text of ["", "a", "é", "€", "😀", "\ud800", "a\udc00€"]) {
      const expected = Buffer.from(text.toWellFormed());
      const target = new Uint8Array(2 + text.length * 3).fill(7);
      expect(webByteOperations.writeUtf8(text, target, 2)).toBe(expected.length);
      expect(Buffer.from(target.slice(2, 2 + expected.length))).toEqual(expected);
      expect(Array.from(target.slice(0, 2))).toEqual([7, 7]);
    }
  });
});
