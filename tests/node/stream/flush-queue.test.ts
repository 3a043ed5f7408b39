import { expect, test } from "vitest";
import { flushLater } from "../../../src/node/stream/flush-queue.ts";

test("if a flush throws, its object is notified, and the others are flushed", async () => {
  const told: string[] = [];
  const failure = new Error("no memory");
  flushLater({
    flush: () => {
      throw failure;
    },
    onFlushFailed: (error) => told.push(error === failure ? "failed" : "?"),
  });
  flushLater({ flush: () => told.push("flushed"), onFlushFailed: () => told.push("?") });
  await Promise.resolve();
  expect(told).toEqual(["failed", "flushed"]);
});
