import { expect, expectTypeOf, test } from "vitest";
import { WebSocket } from "../../../src/client/index.ts";

test("a socket and its class can be used where the DOM's types are expected", () => {
  expectTypeOf<WebSocket>().toExtend<globalThis.WebSocket>();
  expectTypeOf<typeof WebSocket>().toExtend<typeof globalThis.WebSocket>();
  const dom: typeof globalThis.WebSocket = WebSocket;
  expect(dom.OPEN).toBe(1);
});
