import { describe, expect, test } from "vitest";
import { OldestFirst } from "../../src/base/index.ts";
import { Random } from "../rigs/random.ts";

describe("a map that finds its oldest entry", () => {
  test("agrees with a Map after any sequence of changes", () => {
    const random = new Random(7);
    const plain = new Map<number, number>();
    const entries = new OldestFirst<number, number>();
    for (let step = 0; step < 20_000; step += 1) {
      const key = random.integer(0, 39);
      const kind = random.integer(0, 99);
      if (kind < 50) {
        plain.delete(key);
        plain.set(key, step);
        entries.set(key, step);
      } else if (kind < 99) {
        const [first] = plain.keys();
        const gone = kind < 75 ? key : (first ?? key);
        expect(entries.delete(gone)).toBe(plain.delete(gone));
      } else {
        plain.clear();
        entries.clear();
      }
      const [oldest] = plain;
      // It is not asked each time, so that what it remembers becomes wrong.
      if (random.chance(0.7)) expect(entries.oldest).toEqual(oldest);
      expect(entries.size).toBe(plain.size);
      expect(entries.get(key)).toBe(plain.get(key));
    }
    expect([...entries]).toEqual([...plain]);
  });

  test("finds an entry that was added after it had run empty", () => {
    const entries = new OldestFirst<string, number>();
    expect(entries.oldest).toBeUndefined();
    entries.set("a", 1);
    expect(entries.oldest).toEqual(["a", 1]);
    entries.delete("a");
    expect(entries.oldest).toBeUndefined();
    entries.set("b", 2);
    expect(entries.oldest).toEqual(["b", 2]);
  });
});
