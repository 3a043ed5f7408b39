import { describe, expect, test, vi } from "vitest";
import {
  CloseEvent,
  WebSocket,
  WebSocketError,
  WebSocketStream,
} from "../../../src/client/index.ts";
import * as standard from "../../../src/client/standard.ts";
import { openEcho, thrownBy } from "./open-socket.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

const interfaces = [
  { type: WebSocket, name: "WebSocket", length: 1, parent: EventTarget },
  { type: CloseEvent, name: "CloseEvent", length: 1, parent: Event },
  { type: WebSocketStream, name: "WebSocketStream", length: 1, parent: Function.prototype },
  { type: WebSocketError, name: "WebSocketError", length: 0, parent: DOMException },
];

function property(holder: object, name: PropertyKey): Record<string, unknown> {
  return { ...Object.getOwnPropertyDescriptor(holder, name) };
}

function signature(method: unknown): unknown[] {
  const { name, length } = method as () => void;
  return [name, length];
}

describe("interface objects (Web IDL §3.7.1)", () => {
  test.each(interfaces)("$name has its name, length, parent and class string", (shape) => {
    const { type, name, length, parent } = shape;
    expect(property(type, "name")).toMatchObject({ value: name, writable: false });
    expect(property(type, "length")).toMatchObject({ value: length, writable: false });
    expect(property(type, "prototype")).toMatchObject({ writable: false, configurable: false });
    expect(Object.getPrototypeOf(type)).toBe(parent);
    expect(property(type.prototype, "constructor")).toMatchObject({ value: type });
    expect(property(type.prototype, "constructor").enumerable).toBe(false);
    expect(property(type.prototype, Symbol.toStringTag)).toEqual({
      value: name,
      writable: false,
      enumerable: false,
      configurable: true,
    });
    expect(() => Reflect.apply(type, undefined, ["ws://h.test"])).toThrow(TypeError);
  });

  test("the entry `longwire` exports the same classes", () => {
    expect(standard).toMatchObject({ CloseEvent, WebSocket, WebSocketError, WebSocketStream });
  });
});

describe("constants (Web IDL §3.7.5)", () => {
  test.each(Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }))(
    "%s is %d on both objects and read-only",
    (name, value) => {
      for (const holder of [WebSocket, WebSocket.prototype]) {
        expect(property(holder, name)).toEqual({
          value,
          writable: false,
          enumerable: true,
          configurable: false,
        });
        expect(Reflect.deleteProperty(holder, name)).toBe(false);
        expect(Reflect.defineProperty(holder, name, { get: () => 5 })).toBe(false);
      }
    },
  );

  test("instances have them, too", async () => {
    const socket = await openEcho();
    expect(socket).toMatchObject({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  });
});

describe("attributes and methods (Web IDL §3.7.6, §3.7.7)", () => {
  const readonly = "url readyState bufferedAmount extensions protocol".split(" ");
  const writable = "onopen onerror onclose onmessage binaryType".split(" ");

  test.each([...readonly, ...writable])("%s is an accessor of the prototype", (name) => {
    const { get, set, enumerable, configurable } = property(WebSocket.prototype, name);
    expect({ enumerable, configurable }).toEqual({ enumerable: true, configurable: true });
    expect(signature(get)).toEqual([`get ${name}`, 0]);
    if (readonly.includes(name)) expect(set).toBe(undefined);
    else expect(signature(set)).toEqual([`set ${name}`, 1]);
  });

  test.each([
    [WebSocket, "send", 1],
    [WebSocket, "close", 0],
    [WebSocketStream, "close", 0],
  ])("%o's %s is a method that requires %d arguments", (type, name, length) => {
    const { value, ...rest } = property(type.prototype, name);
    expect(rest).toEqual({ writable: true, enumerable: true, configurable: true });
    expect(signature(value)).toEqual([name, length]);
    expect(() => Reflect.construct(value as () => void, [])).toThrow(TypeError);
  });

  test("there are no other properties", () => {
    const members = Object.getOwnPropertyNames(WebSocket.prototype);
    const constants = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
    const methods = ["constructor", "send", "close"];
    expect(new Set(members)).toEqual(new Set([...constants, ...readonly, ...writable, ...methods]));
    expect(Object.getOwnPropertyNames(new WebSocket("ws://h.invalid"))).toEqual([]);
  });

  test("a read-only attribute cannot be set, but a method can be replaced", async () => {
    const socket = await openEcho();
    for (const name of readonly) {
      expect(Reflect.set(socket, name, "x"), name).toBe(false);
    }
    expect(Reflect.set(socket, "close", 5)).toBe(true);
    expect(Reflect.get(socket, "close")).toBe(5);
    expect(Reflect.deleteProperty(socket, "close")).toBe(true);
    expect(typeof socket.close).toBe("function");
  });

  test.each([{}, WebSocket.prototype, null, undefined, 5])(
    "called on %o, they throw a TypeError (Web IDL §3.7.6)",
    (receiver) => {
      for (const name of [...readonly, ...writable]) {
        const get = (): unknown => Reflect.get(WebSocket.prototype, name, receiver);
        expect(get, name).toThrow(TypeError);
      }
      for (const name of writable) {
        const set = (): unknown =>
          Reflect.set(WebSocket.prototype, name, "no such value", receiver);
        expect(set, name).toThrow(TypeError);
      }
      expect(() => WebSocket.prototype.send.call(receiver as WebSocket, "x")).toThrow(TypeError);
      expect(() => WebSocket.prototype.close.call(receiver as WebSocket)).toThrow(TypeError);
    },
  );

  test("the receiver is checked before any argument is converted", () => {
    const converted: string[] = [];
    const argument = { valueOf: () => converted.push("argument") } as unknown as number;
    const close = (): void => WebSocket.prototype.close.call({} as WebSocket, argument);
    expect(thrownBy(close)).toBeInstanceOf(TypeError);
    const send = (): void => WebSocket.prototype.send.call({} as WebSocket, argument as never);
    expect(thrownBy(send)).toBeInstanceOf(TypeError);
    expect(converted).toEqual([]);
  });

  test("a promise attribute rejects instead of throwing (Web IDL §3.7.6)", async () => {
    for (const name of ["opened", "closed"]) {
      const promise: unknown = Reflect.get(WebSocketStream.prototype, name, {});
      await expect(promise).rejects.toThrow(TypeError);
    }
    const close = (): void => WebSocketStream.prototype.close.call({} as WebSocketStream);
    expect(close).toThrow(TypeError);
  });
});

describe("subclasses", () => {
  class Chatty extends WebSocket {
    readonly #calls: string[];
    readonly greeting: string;

    constructor(url: string, calls: string[]) {
      super(url, [], { stray: true });
      this.#calls = calls;
      this.greeting = "hello";
    }

    override dispatchEvent(event: Event): boolean {
      this.#calls.push(`dispatch ${event.type}`);
      return super.dispatchEvent(event);
    }

    override addEventListener(...given: Parameters<EventTarget["addEventListener"]>): void {
      this.#calls.push(`listen ${given[0]}`);
      super.addEventListener(...given);
    }
  }

  test("work, and their overrides do not affect the socket's own steps", async () => {
    const { url } = await openEcho();
    const calls: string[] = [];
    const socket = new Chatty(url, calls);
    expect(socket).toBeInstanceOf(WebSocket);
    expect(socket.greeting).toBe("hello");
    const seen: string[] = [];
    socket.onopen = ({ type }) => seen.push(type);
    await new Promise((resolve) => {
      socket.onclose = resolve;
      EventTarget.prototype.addEventListener.call(socket, "open", () => socket.close());
    });
    expect(seen).toEqual(["open"]);
    expect(calls).toEqual([]);
    socket.addEventListener("open", () => {});
    socket.dispatchEvent(new Event("open"));
    expect(calls).toEqual(["listen open", "dispatch open"]);
  });
});

/** The substitute for a Node version without `CloseEvent`, whichever version this is. */
async function standIn(): Promise<typeof CloseEvent> {
  vi.stubGlobal("CloseEvent", undefined);
  vi.resetModules();
  const found = await import("../../../src/client/standard/close-event.ts");
  vi.unstubAllGlobals();
  return found.CloseEvent;
}

describe("CloseEvent (WHATWG WebSockets §6)", () => {
  test("it is the platform's class, if there is one", async () => {
    const platform: { CloseEvent?: unknown } = globalThis;
    const own = await standIn();
    expect(own).not.toBe(platform.CloseEvent);
    if (platform.CloseEvent === undefined) expect(CloseEvent.toString()).toBe(own.toString());
    else expect(CloseEvent).toBe(platform.CloseEvent);
  });

  test("without a dictionary it has the defaults", () => {
    const event = new CloseEvent("foo");
    expect(event).toBeInstanceOf(Event);
    expect(event).toMatchObject({
      type: "foo",
      bubbles: false,
      cancelable: false,
      wasClean: false,
      code: 0,
      reason: "",
      isTrusted: false,
    });
    expect("initCloseEvent" in event).toBe(false);
  });

  // Node's own class accepts -1 as a code.
  test("it converts the members of its dictionary (Web IDL §3.2)", async () => {
    const OwnCloseEvent = await standIn();
    const given = {
      bubbles: true,
      cancelable: true,
      wasClean: 1,
      code: 65_543.9,
      reason: "\ud800",
    };
    expect(new OwnCloseEvent("foo", given as unknown as CloseEventInit)).toMatchObject({
      bubbles: true,
      cancelable: true,
      wasClean: true,
      code: 7,
      reason: "\ufffd",
    });
    expect(new OwnCloseEvent("foo", { code: -1 }).code).toBe(65_535);
    expect(new OwnCloseEvent("foo", null as unknown as CloseEventInit).code).toBe(0);
  });

  test("it requires a type, and a dictionary must be an object", () => {
    expect(() => Reflect.construct(CloseEvent, [])).toThrow(TypeError);
    expect(() => new CloseEvent("foo", 5 as unknown as CloseEventInit)).toThrow(TypeError);
  });

  test("a socket's close event is an instance", async () => {
    const socket = await openEcho();
    socket.close(3000, "x");
    const event = await next(socket, "close");
    expect(event).toBeInstanceOf(CloseEvent);
    expect(event).toMatchObject({ code: 3000, reason: "x", wasClean: true });
  });
});
