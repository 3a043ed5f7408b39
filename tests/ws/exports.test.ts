import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { implementation } from "../rigs/ws/implementation.ts";

describe("the export of the package", () => {
  test("is the class WebSocket, an EventEmitter, with everything else on it", () => {
    expect(implementation.prototype).toBeInstanceOf(EventEmitter);
    expect(implementation.name).toBe("WebSocket");
    expect(implementation).toHaveLength(3);
    expect(Object.keys(implementation)).toEqual([
      "CONNECTING",
      "OPEN",
      "CLOSING",
      "CLOSED",
      "createWebSocketStream",
      "extension",
      "PerMessageDeflate",
      "Receiver",
      "Sender",
      "Server",
      "subprotocol",
      "WebSocket",
      "WebSocketServer",
    ]);
  });

  test("contains itself and its server under two names", () => {
    expect(implementation.WebSocket).toBe(implementation);
    expect(implementation.Server).toBe(implementation.WebSocketServer);
    expect(implementation.WebSocketServer.name).toBe("WebSocketServer");
    expect(Object.keys(implementation.extension)).toEqual(["format", "parse"]);
    expect(Object.keys(implementation.subprotocol)).toEqual(["parse"]);
  });

  test("can be modified", () => {
    for (const name of ["createWebSocketStream", "Server", "Sender", "WebSocketServer"]) {
      expect(Object.getOwnPropertyDescriptor(implementation, name)).toMatchObject({
        writable: true,
        configurable: true,
      });
    }
  });

  test("cannot be called without new", () => {
    const call = implementation as unknown as (url: string) => void;
    expect(() => call("ws://127.0.0.1")).toThrow(TypeError);
  });
});

describe("the ready states", () => {
  test.each([
    ["CONNECTING", 0],
    ["OPEN", 1],
    ["CLOSING", 2],
    ["CLOSED", 3],
  ])("%s is %i on the class and on its instances, and read-only", (name, value) => {
    const descriptor = { value, enumerable: true, writable: false, configurable: false };
    expect(Object.getOwnPropertyDescriptor(implementation, name)).toEqual(descriptor);
    expect(Object.getOwnPropertyDescriptor(implementation.prototype, name)).toEqual(descriptor);
  });
});
