import { expect } from "vitest";
import type { Connection } from "../../src/protocol/index.ts";
import { bytes } from "../rigs/protocol/masked-frame.ts";

/** Checks that no method sends anything any more. */
export function expectNothingSendable(connection: Connection): void {
  const notOpen = expect.objectContaining({ name: "LongwireError", code: "not_open" });
  expect(connection.isOpen).toBe(false);
  expect(() => connection.sendText("x")).toThrow(notOpen);
  expect(() => connection.sendBinary(bytes(1))).toThrow(notOpen);
  expect(() => connection.sendFragment("text", bytes(1), true)).toThrow(notOpen);
  expect(() => connection.sendFrames(bytes(1))).toThrow(notOpen);
  expect(() => connection.sendPing(bytes(1))).toThrow(notOpen);
  expect(() => connection.sendPong(bytes(1))).toThrow(notOpen);
  connection.close(1000);
  expect(connection.outgoing.size).toBe(0);
}
