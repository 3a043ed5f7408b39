import { expect, expectTypeOf, test } from "vitest";
import { WebSocket } from "../../src/client/index.ts";

test("a socket and its class can stand where the DOM's are expected", () => {
  expectTypeOf<WebSocket>().toExtend<globalThis.WebSocket>();
  expectTypeOf<typeof WebSocket>().toExtend<typeof globalThis.WebSocket>();
  const dom: typeof globalThis.WebSocket = WebSocket;
  expect(dom.OPEN).toBe(1);
});
