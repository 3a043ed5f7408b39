import { describe, expect, test } from "vitest";
import { CloseEvent, FailureEvent, WebSocket } from "../../../src/client/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { fakeServer, goodAnswer } from "../../rigs/sockets/fake-server.ts";
import { connecting, openEcho, openHeld } from "./open-socket.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

const textFrame = (text: string): Uint8Array =>
  plainFrame({ opcode: Opcode.Text, payload: utf8(text) });
/** A reserved opcode, which fails the connection. */
const badFrame = plainFrame({ opcode: 3 });

const names = ["open", "message", "error", "close"] as const;
type Attribute = `on${(typeof names)[number]}`;

describe("events (WHATWG WebSockets §4)", () => {
  test("each event is trusted, has its class and target, and fires in its state", async () => {
    const url = await fakeServer((accept) =>
      Buffer.concat([Buffer.from(goodAnswer(accept)), textFrame("x"), badFrame]),
    );
    const socket = new WebSocket(url);
    const seen: unknown[] = [];
    for (const name of names) {
      socket.addEventListener(name, function (this: unknown, event: Event) {
        expect(this).toBe(socket);
        expect(event).toBeInstanceOf(Event);
        expect(event).toMatchObject({
          target: socket,
          currentTarget: socket,
          eventPhase: Event.AT_TARGET,
          bubbles: false,
          cancelable: false,
          composed: false,
          isTrusted: true,
        });
        seen.push([
          event.type,
          Object.prototype.toString.call(event),
          event.constructor,
          socket.readyState,
        ]);
      });
    }
    await next(socket, "close");
    expect(seen).toEqual([
      ["open", "[object Event]", Event, 1],
      ["message", "[object MessageEvent]", MessageEvent, 1],
      ["error", "[object Event]", FailureEvent, 3],
      ["close", "[object CloseEvent]", CloseEvent, 3],
    ]);
  });

  test("a message has the URL's origin, and otherwise defaults (HTML, MessageEvent)", async () => {
    const { url } = await runServer(echo);
    const socket = new WebSocket(`${url}/path?query`);
    await next(socket, "open");
    socket.send("x");
    const event = await next(socket, "message");
    expect(event).toBeInstanceOf(MessageEvent);
    expect({
      data: event.data as unknown,
      origin: event.origin,
      lastEventId: event.lastEventId,
      source: event.source,
      ports: event.ports,
    }).toEqual({ data: "x", origin: url, lastEventId: "", source: null, ports: [] });
    expect(Object.isFrozen(event.ports)).toBe(true);
    expect(event.ports).toBe(event.ports);
  });

  test("each message is a separate task: promises settle between two messages", async () => {
    const { socket, peer } = await openHeld();
    const order: string[] = [];
    socket.onmessage = ({ data }) => {
      order.push(`message ${data}`);
      void Promise.resolve()
        .then(() => {})
        .then(() => order.push(`settled ${data}`));
    };
    peer.socket.write(Buffer.concat(["1", "2", "3"].map(textFrame)));
    // Each is awaited only after the previous one has arrived.
    for (const expected of ["1", "2", "3"]) {
      expect((await next(socket, "message")).data).toBe(expected);
    }
    await Promise.resolve().then(() => {});
    expect(order).toEqual([1, 2, 3].flatMap((n) => [`message ${n}`, `settled ${n}`]));
  });

  test("a message in the same packet as the handshake reaches a listener that is added late", async () => {
    const url = await fakeServer((accept) =>
      Buffer.concat([Buffer.from(goodAnswer(accept)), textFrame("early")]),
    );
    const socket = new WebSocket(url);
    await next(socket, "open");
    expect((await next(socket, "message")).data).toBe("early");
  });

  test("error and close fire in one task, in this order", async () => {
    const { socket, peer } = await openHeld();
    const order: string[] = [];
    socket.onerror = () => {
      order.push("error");
      setImmediate(() => order.push("next task"));
    };
    socket.onclose = () => order.push("close");
    peer.socket.write(badFrame);
    await next(socket, "close");
    expect(order).toEqual(["error", "close"]);
  });

  test("nothing fires after close", async () => {
    const { socket, peer } = await openHeld();
    const events = eventsOf(socket);
    peer.socket.end(Buffer.concat([textFrame("a"), plainFrame({ opcode: Opcode.Close })]));
    expect(await events).toEqual(["message", "close"]);
  });
});

describe("event handlers (HTML §8.1.8.1)", () => {
  test.each(names)("on%s is initially null, and accepts only functions and objects", (name) => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    const attribute: Attribute = `on${name}`;
    const set = (value: unknown): unknown => {
      (socket as unknown as Record<Attribute, unknown>)[attribute] = value;
      return socket[attribute];
    };
    expect(attribute in socket).toBe(true);
    expect(socket[attribute]).toBe(null);
    const handler = (): void => {};
    expect(set(handler)).toBe(handler);
    const object = {
      handleEvent: () => {
        throw new Error("handleEvent was called");
      },
    };
    expect(set(object)).toBe(object);
    socket.dispatchEvent(new Event(name));
    for (const value of [null, undefined, 2, ";", true, Symbol("x"), 5n]) {
      set(handler);
      expect(set(value)).toBe(null);
    }
  });

  test.each(names)("on%s is called with the socket as this, for any event of its name", (name) => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    const seen: unknown[] = [];
    socket[`on${name}`] = function (this: unknown, event: Event) {
      seen.push(this, event);
    };
    const event = new Event(name);
    socket.dispatchEvent(event);
    expect(seen).toEqual([socket, event]);
  });

  test("replacing a handler keeps its position, and null gives it up", async () => {
    const { socket, peer } = await connecting();
    const order: string[] = [];
    socket.addEventListener("open", () => order.push("first"));
    socket.onopen = () => order.push("replaced");
    socket.addEventListener("open", () => order.push("middle"));
    socket.onopen = () => order.push("attribute");
    socket.onerror = () => order.push("early");
    socket.onerror = null;
    socket.addEventListener("open", () => order.push("last"));
    peer.accept();
    await next(socket, "open");
    expect(order).toEqual(["first", "attribute", "middle", "last"]);

    order.length = 0;
    socket.onopen = null;
    socket.onopen = () => order.push("attribute");
    socket.dispatchEvent(new Event("open"));
    expect(order).toEqual(["first", "middle", "last", "attribute"]);
  });

  test("an object that is not callable keeps the position, too", () => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    const order: string[] = [];
    socket.onopen = {} as never;
    socket.addEventListener("open", () => order.push("listener"));
    socket.onopen = () => order.push("attribute");
    socket.dispatchEvent(new Event("open"));
    expect(order).toEqual(["attribute", "listener"]);
  });

  test("returning false cancels a cancelable event", () => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    socket.onmessage = () => false;
    const event = new Event("message", { cancelable: true });
    expect(socket.dispatchEvent(event)).toBe(false);
    socket.onmessage = () => 0;
    expect(socket.dispatchEvent(new Event("message", { cancelable: true }))).toBe(true);
  });

  test("a removed listener, or one with once, is not called again", async () => {
    const socket = await openEcho();
    const seen: string[] = [];
    const removed = (): void => void seen.push("removed");
    socket.addEventListener("message", removed);
    socket.addEventListener("message", () => seen.push("once"), { once: true });
    socket.removeEventListener("message", removed);
    for (const text of ["a", "b"]) {
      socket.send(text);
      await next(socket, "message");
    }
    expect(seen).toEqual(["once"]);
  });

  test("a handler that is set by a handler is called from the next event on", async () => {
    const socket = await openEcho();
    const seen: string[] = [];
    socket.onmessage = ({ data }) => {
      seen.push(`first ${data}`);
      socket.onmessage = ({ data }) => seen.push(`second ${data}`);
    };
    socket.send("a");
    socket.send("b");
    await next(socket, "message");
    await next(socket, "message");
    expect(seen).toEqual(["first a", "second b"]);
  });
});
