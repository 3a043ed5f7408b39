import { describe, expect, test } from "vitest";
import { WebSocket } from "../rigs/ws/implementation.ts";
import { closed, next, openPair } from "../rigs/ws/rig.ts";

/** An event as seen by a listener. */
interface Seen {
  type: string;
  target: unknown;
  data: unknown;
  code: number;
  reason: string;
  wasClean: boolean;
  error: Error;
  message: string;
}

/** A socket without a connection, to emit events on. */
const loose = (): WebSocket => new WebSocket(null, undefined, {});

/** Returns the next event of a type from `addEventListener`. */
function event(socket: WebSocket, type: string): Promise<Seen> {
  return new Promise((resolve) => {
    socket.addEventListener(type, (seen: Seen) => resolve(seen), { once: true });
  });
}

describe("the on… attributes", () => {
  test.each(["onopen", "onmessage", "onclose", "onerror"] as const)(
    "%s is null, then the assigned function, and null for anything that is not a function",
    (name) => {
      const socket = loose();
      expect(socket[name]).toBeNull();
      const listener = (): void => {};
      socket[name] = listener;
      expect(socket[name]).toBe(listener);
      expect(socket.listenerCount(name.slice(2))).toBe(1);
      socket[name] = { handleEvent: listener } as never;
      expect(socket[name]).toBeNull();
      socket[name] = listener;
      socket[name] = "foo" as never;
      expect(socket[name]).toBeNull();
      expect(socket.listenerCount(name.slice(2))).toBe(0);
    },
  );

  test("receive the events of a whole connection", async () => {
    const { client, peer } = await openPair();
    const seen: unknown[] = [];
    client.onmessage = ({ data }: Seen) => seen.push(data);
    client.onclose = ({ wasClean, code, reason }: Seen) => seen.push(wasClean, code, reason);
    const end = closed(client);
    peer.send("hi");
    peer.close();
    await end;
    expect(seen).toEqual(["hi", true, 1005, ""]);
  });

  test("onopen receives the opening", () => {
    const socket = loose();
    const types: string[] = [];
    socket.onopen = ({ type }: Seen) => types.push(type);
    socket.emit("open");
    expect(types).toEqual(["open"]);
  });

  test("are called with the socket as this", () => {
    const socket = loose();
    const seen: unknown[] = [];
    socket.onopen = function (this: unknown) {
      seen.push(this);
    };
    socket.emit("open");
    expect(seen).toEqual([socket]);
    expect(seen[0]).toBe(socket);
  });

  test("do not show listeners of on() or addEventListener()", () => {
    const socket = loose();
    const listener = (): void => {};
    socket.on("open", listener);
    socket.addEventListener("open", () => {});
    expect(socket.onopen).toBeNull();
    expect(socket.listeners("open")[0]).toBe(listener);
  });

  test("keep all other listeners when set again, and are called after them", () => {
    const socket = loose();
    const seen: string[] = [];
    socket.onclose = () => seen.push("old");
    socket.on("close", () => seen.push("on"));
    socket.addEventListener("close", () => seen.push("added"));
    socket.onclose = () => seen.push("new");
    expect(socket.listenerCount("close")).toBe(3);
    socket.emit("close", 1000, Buffer.alloc(0));
    expect(seen).toEqual(["on", "added", "new"]);
  });

  test("are removed by removeAllListeners()", () => {
    const socket = loose();
    socket.onclose = () => {};
    socket.removeAllListeners("close");
    expect(socket.onclose).toBeNull();
  });

  test("onerror handles an error, so that it is not thrown", () => {
    const socket = loose();
    const seen: string[] = [];
    socket.onerror = ({ message }: Seen) => seen.push(message);
    socket.emit("error", new Error("foo"));
    expect(seen).toEqual(["foo"]);
  });
});

describe("addEventListener()", () => {
  test.each(["foo", "ping", "upgrade"])("ignores %s", (type) => {
    const socket = loose();
    socket.addEventListener(type, () => {});
    expect(socket.listenerCount(type)).toBe(0);
  });

  test("adds a listener once, even with once, and in addition to the attribute", () => {
    const socket = loose();
    const listener = (): void => {};
    socket.addEventListener("open", listener);
    socket.addEventListener("open", listener);
    socket.addEventListener("open", listener, { once: true });
    expect(socket.listenerCount("open")).toBe(1);
    socket.onopen = listener;
    expect(socket.listenerCount("open")).toBe(2);
    const other = { handleEvent: (): void => {} };
    socket.addEventListener("open", other);
    socket.addEventListener("open", other);
    expect(socket.listenerCount("open")).toBe(3);
  });

  test("with once calls it once, after removing it", () => {
    const socket = loose();
    const counts: number[] = [];
    const listener = (): void => void counts.push(socket.listenerCount("open"));
    socket.addEventListener("open", listener, { once: true });
    socket.addEventListener("open", listener);
    expect(socket.listenerCount("open")).toBe(1);
    socket.emit("open");
    socket.emit("open");
    expect(counts).toEqual([0]);
  });

  test("accepts an object, whose handleEvent is called on it", () => {
    const socket = loose();
    const seen: unknown[] = [];
    const listener = {
      handleEvent(this: unknown, { type }: Seen) {
        seen.push(this, type);
      },
    };
    socket.addEventListener("open", listener);
    socket.emit("open");
    expect(seen).toEqual([listener, "open"]);
  });
});

describe("removeEventListener()", () => {
  test("removes listeners of addEventListener()", () => {
    const socket = loose();
    const plain = (): void => {};
    const object = { handleEvent: (): void => {} };
    const other = (): void => {};
    for (const listener of [plain, object]) {
      socket.addEventListener("message", listener);
      socket.removeEventListener("message", other);
      expect(socket.listenerCount("message")).toBe(1);
      socket.removeEventListener("message", listener);
      expect(socket.listenerCount("message")).toBe(0);
      socket.addEventListener("message", listener, { once: true });
      socket.removeEventListener("message", listener);
      expect(socket.listenerCount("message")).toBe(0);
    }
  });

  test("does not remove other listeners", () => {
    const socket = loose();
    const listener = (): void => {};
    socket.on("message", listener);
    socket.onmessage = listener;
    socket.removeEventListener("message", listener);
    expect(socket.listenerCount("message")).toBe(2);
    socket.off("message", listener);
    expect(socket.listenerCount("message")).toBe(1);
    expect(socket.onmessage).toBe(listener);
  });
});

describe("an event", () => {
  test("has a type and a target, which are enumerable and read-only", () => {
    const socket = loose();
    let seen: Seen | undefined;
    socket.addEventListener("open", (event: Seen) => (seen = event));
    socket.emit("open");
    expect(seen).toMatchObject({ type: "open", target: socket });
    expect(Object.keys(seen!)).toEqual([]);
    for (const name of ["type", "target"]) {
      const descriptor = { enumerable: true, configurable: true, set: undefined };
      expect(inherited(seen!, name)).toMatchObject(descriptor);
    }
    expect(seen!.constructor.name).toBe("Event");
  });

  test("of a message has its data: text as a string, whatever the binaryType", async () => {
    const { client, peer } = await openPair();
    client.binaryType = "arraybuffer";
    const first = event(client, "message");
    peer.send("hi");
    const seen = await first;
    expect(seen).toMatchObject({ type: "message", target: client, data: "hi" });
    expect(seen.constructor.name).toBe("MessageEvent");
    expect(inherited(seen, "data")).toMatchObject({ enumerable: true, set: undefined });
    const second = event(client, "message");
    peer.send(Buffer.from("hi"));
    expect((await second).data).toBeInstanceOf(ArrayBuffer);
  });

  test.each([
    [1000, ""],
    [4000, "some daft reason"],
  ])("of a close has the code %i and the reason '%s'", async (code, reason) => {
    const { client, peer } = await openPair();
    const close = event(client, "close");
    peer.close(code, reason);
    const seen = await close;
    expect(seen).toMatchObject({ type: "close", target: client, wasClean: true, code, reason });
    expect(seen.constructor.name).toBe("CloseEvent");
    for (const name of ["code", "reason", "wasClean"]) {
      expect(inherited(seen, name)).toMatchObject({ enumerable: true, set: undefined });
    }
  });

  test("of a close is clean only if both Close frames were exchanged", async () => {
    const { client, peer } = await openPair();
    const close = event(client, "close");
    peer.terminate();
    expect(await close).toMatchObject({ wasClean: false, code: 1006 });
  });

  test("of an error has the error and its message, even if it is emitted manually", () => {
    const socket = loose();
    let seen: Seen | undefined;
    socket.addEventListener("error", (event: Seen) => (seen = event));
    const error = new Error("forced");
    socket.emit("error", error);
    expect(seen).toMatchObject({ type: "error", target: socket, message: "forced" });
    expect(seen!.error).toBe(error);
    expect(seen!.constructor.name).toBe("ErrorEvent");
    expect(inherited(seen!, "error")).toMatchObject({ enumerable: true, set: undefined });
  });

  test("is ordered with listeners of on()", async () => {
    const { client, peer } = await openPair();
    const order: string[] = [];
    client.on("message", () => order.push("first"));
    client.addEventListener("message", () => order.push("second"));
    client.on("message", () => order.push("third"));
    peer.send("x");
    await next(client, "message");
    expect(order).toEqual(["first", "second", "third"]);
  });
});

/** Returns a property's descriptor from the object or its prototypes. */
function inherited(object: object, name: string): PropertyDescriptor | undefined {
  let at: unknown = object;
  while (at !== null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, name);
    if (descriptor !== undefined) return descriptor;
    at = Object.getPrototypeOf(at);
  }
  return undefined;
}
