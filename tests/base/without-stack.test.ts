import { expect, test } from "vitest";
import { LongwireError, withoutStack } from "../../src/base/index.ts";

test("an error of the network has no stack, and those that follow have theirs", () => {
  const limit = Error.stackTraceLimit;
  const error = withoutStack(() => new LongwireError("connection_lost", "It broke."));
  expect(error.stack).not.toMatch(/\n\s+at /);
  expect(Error.stackTraceLimit).toBe(limit);
  expect(new Error("of our own").stack).toMatch(/\n\s+at /);
});

test("also when it cannot be made", () => {
  const limit = Error.stackTraceLimit;
  const fail = (): never => {
    throw new TypeError("no");
  };
  expect(() => withoutStack(fail)).toThrow("no");
  expect(Error.stackTraceLimit).toBe(limit);
});
