import { describe, expect, test } from "vitest";
import { Backoff } from "../../src/base/index.ts";

const almostOne = 1 - 2 ** -53;

describe("a backoff", () => {
  test("the maximum doubles from 500 ms to 30 s, and stays there", () => {
    const backoff = new Backoff({ random: () => 1 });
    const delays = Array.from({ length: 9 }, () => backoff.next());
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("delays are spread between 0 and the maximum, so that clients do not reconnect together", () => {
    for (const [random, delays] of [
      [0, [0, 0, 0]],
      [0.5, [250, 500, 1000]],
    ] as const) {
      const backoff = new Backoff({ random: () => random });
      expect([backoff.next(), backoff.next(), backoff.next()]).toEqual(delays);
    }
    const backoff = new Backoff({ random: () => almostOne });
    expect(backoff.next()).toBeLessThan(500);
  });

  test("uses a random source by default", () => {
    const delays = Array.from({ length: 50 }, () => new Backoff().next());
    expect(new Set(delays).size).toBeGreaterThan(40);
    for (const delay of delays) {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThan(500);
    }
  });

  test("a reset starts over", () => {
    const backoff = new Backoff({ random: () => 1 });
    for (let attempt = 0; attempt < 5; attempt += 1) backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });

  test("the options set the first and the longest delay", () => {
    const backoff = new Backoff({ firstMs: 10, longestMs: 25, random: () => 1 });
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([10, 20, 25]);
    expect(new Backoff({ firstMs: 100, longestMs: 5, random: () => 1 }).next()).toBe(5);
  });

  test("stays finite after any number of attempts", () => {
    const backoff = new Backoff({ longestMs: Number.MAX_VALUE, random: () => 1 });
    for (let attempt = 0; attempt < 5000; attempt += 1) {
      expect(Number.isFinite(backoff.next())).toBe(true);
    }
  });
});
