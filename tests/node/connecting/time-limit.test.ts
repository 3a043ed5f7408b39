import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TimeLimit } from "../../../src/node/connecting/time-limit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a time limit counts only while it runs", () => {
  const onOver = vi.fn();
  const limit = new TimeLimit(100, onOver);
  limit.run();
  vi.advanceTimersByTime(60);
  limit.stop();
  vi.advanceTimersByTime(1000);
  limit.run();
  vi.advanceTimersByTime(39);
  expect(onOver).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onOver).toHaveBeenCalledTimes(1);
});

test("running or stopping twice has the effect of once", () => {
  const onOver = vi.fn();
  const limit = new TimeLimit(100, onOver);
  limit.run();
  limit.run();
  limit.stop();
  limit.stop();
  expect(vi.getTimerCount()).toBe(0);
  limit.run();
  vi.advanceTimersByTime(1000);
  expect(onOver).toHaveBeenCalledTimes(1);
});

test("a limit longer than a timer's maximum does not expire immediately", () => {
  const onOver = vi.fn();
  const limit = new TimeLimit(Number.MAX_SAFE_INTEGER, onOver);
  limit.run();
  vi.advanceTimersByTime(1000);
  expect(onOver).not.toHaveBeenCalled();
  limit.stop();
});
