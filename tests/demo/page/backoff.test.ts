import { expect, test } from "vitest";
import { backoffDelayMs } from "../../../demo/page/src/live/socket/backoff.ts";

test("the limit doubles from 1 s and stays at 15 s", () => {
  const limits = [0, 1, 2, 3, 4, 5, 1_000].map((attempt) => backoffDelayMs(attempt, () => 1));
  expect(limits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
});

test("the jitter is full: any wait from 0 to the limit is possible", () => {
  expect(backoffDelayMs(3, () => 0)).toBe(0);
  expect(backoffDelayMs(3, () => 0.25)).toBe(2_000);
});
