import { expect, onTestFinished, test } from "vitest";
import { LongwireError, withoutStack } from "../../src/base/index.ts";

test("an error of the network has no stack, and later errors have theirs", () => {
  const limit = Error.stackTraceLimit;
  const error = withoutStack(() => new LongwireError("connection_lost", "It broke."));
  expect(error.stack).not.toMatch(/\n\s+at /);
  expect(Error.stackTraceLimit).toBe(limit);
  expect(new Error("of our own").stack).toMatch(/\n\s+at /);
});

test("also if creating it throws", () => {
  const limit = Error.stackTraceLimit;
  const fail = (): never => {
    throw new TypeError("no");
  };
  expect(() => withoutStack(fail)).toThrow("no");
  expect(Error.stackTraceLimit).toBe(limit);
});

test("if the stack limit cannot be changed, the error has a stack", () => {
  const value = Error.stackTraceLimit;
  onTestFinished(
    () => void Object.defineProperty(Error, "stackTraceLimit", { value, writable: true }),
  );
  Object.defineProperty(Error, "stackTraceLimit", { value, writable: false });
  expect(withoutStack(() => new Error("broken")).message).toBe("broken");
});
