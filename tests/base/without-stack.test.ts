import { expect, onTestFinished, test } from "vitest";
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

test("also where the limit may not be changed: then it has one", () => {
  const value = Error.stackTraceLimit;
  onTestFinished(
    () => void Object.defineProperty(Error, "stackTraceLimit", { value, writable: true }),
  );
  Object.defineProperty(Error, "stackTraceLimit", { value, writable: false });
  expect(withoutStack(() => new Error("broken")).message).toBe("broken");
});
