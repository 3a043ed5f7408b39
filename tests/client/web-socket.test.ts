import { describe, expect, test, vi } from "vitest";
import { CloseEvent, WebSocket } from "../../src/client/index.ts";
import { Opcode } from "../../src/protocol/index.ts";
import type { Peer } from "../../src/server/index.ts";
import { plainFrame, utf8 } from "../protocol/masked-frame.ts";
import { echo, runServer, Witness } from "../server/run-server.ts";
import { fakeServer, goodAnswer } from "./fake-server.ts";
import { eventsOf, next } from "./watch-socket.ts";

async function openEcho(): Promise<WebSocket> {
  const { url } = await runServer(echo);
  const socket = new WebSocket(url);
  await next(socket, "open");
  return socket;
}

describe("the constructor (WHATWG WebSockets §3.1)", () => {
  test.each(["", "no url", "/relative", "ftp://host/", "mailto:a@b", "ws://", "ws://a b/"])(
    "%j as a URL is a SyntaxError",
    (url) => {
      expect(() => new WebSocket(url)).toThrow(expect.objectContaining({ name: "SyntaxError" }));
    },
  );

  test.each([
    ["http://h.test:81/p?q#f", "ws://h.test:81/p?q"],
    ["https://h.test", "wss://h.test/"],
    ["WS://H.test:80/%7e", "ws://h.test/%7e"],
    ["wss://h.test:443/", "wss://h.test/"],
    ["ws://h.test/?ü", "ws://h.test/?%C3%BC"],
  ])("the URL %s becomes %s", (given, url) => {
    const socket = new WebSocket(given);
    expect(socket.url).toBe(url);
    socket.close();
  });

  test.each([[["a", "a"]], [[""]], [["a b"]], ["a,b"], [""], [["ü"]], [["a\r\nX: y"]]])(
    "%j as subprotocols is a SyntaxError",
    (protocols) => {
      const make = (): WebSocket => new WebSocket("ws://127.0.0.1:1", protocols);
      expect(make).toThrow(expect.objectContaining({ name: "SyntaxError" }));
    },
  );

  test("without a URL it is a TypeError, and it has a length of 1", () => {
    expect(() => Reflect.construct(WebSocket, [])).toThrow(TypeError);
    expect(WebSocket.length).toBe(1);
  });

  test("a blocked port fails, asynchronously (Fetch, bad port)", async () => {
    const socket = new WebSocket("ws://127.0.0.1:25");
    expect(socket.readyState).toBe(WebSocket.CONNECTING);
    expect(await eventsOf(socket)).toEqual(["error", "close"]);
  });
});

describe("the object's shape (Web IDL)", () => {
  test("the constants stand on the class and on instances, and cannot be changed", async () => {
    const socket = await openEcho();
    for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
      for (const holder of [WebSocket, WebSocket.prototype]) {
        expect(Object.getOwnPropertyDescriptor(holder, name)).toEqual({
          value,
          writable: false,
          enumerable: true,
          configurable: false,
        });
      }
    }
    expect(socket.OPEN).toBe(1);
    expect(Object.prototype.toString.call(socket)).toBe("[object WebSocket]");
  });

  test("every member of the interface is an enumerable property of the prototype", () => {
    const members = new Set<string>();
    for (const name in WebSocket.prototype) members.add(name);
    for (const name of "url readyState bufferedAmount onopen onerror onclose extensions protocol close onmessage binaryType send".split(
      " ",
    )) {
      expect(members).toContain(name);
    }
    expect(Object.keys(WebSocket.prototype).some((name) => name.startsWith("_"))).toBe(false);
  });

  test("an open socket tells its state, URL, protocol and extensions", async () => {
    const { url } = await runServer({ ...echo, protocols: ["chat"] });
    const socket = new WebSocket(`${url}/path?x=1#y`, ["other", "chat"]);
    expect(socket).toMatchObject({
      readyState: 0,
      protocol: "",
      extensions: "",
      bufferedAmount: 0,
    });
    await next(socket, "open");
    expect(socket).toMatchObject({
      readyState: 1,
      url: `${url}/path?x=1`,
      protocol: "chat",
      extensions: "",
      binaryType: "blob",
    });
  });

  test("an unknown binaryType is ignored", async () => {
    const socket = await openEcho();
    socket.binaryType = "nodebuffer" as "blob";
    expect(socket.binaryType).toBe("blob");
    socket.binaryType = "arraybuffer";
    expect(socket.binaryType).toBe("arraybuffer");
  });
});

describe("events", () => {
  test("on… attributes keep their place among listeners, and null gives it up (HTML)", async () => {
    const { url } = await runServer(echo);
    const socket = new WebSocket(url);
    const order: string[] = [];
    socket.addEventListener("open", () => order.push("first"));
    socket.onopen = () => order.push("replaced");
    socket.addEventListener("open", () => order.push("last"));
    socket.onopen = () => order.push("attribute");
    socket.onclose = () => {};
    expect(typeof socket.onclose).toBe("function");
    socket.onclose = null;
    expect(socket.onclose).toBe(null);
    socket.onerror = 5 as never;
    expect(socket.onerror).toBe(null);
    await next(socket, "open");
    expect(order).toEqual(["first", "attribute", "last"]);
  });

  test("they are real events: MessageEvent with origin, CloseEvent", async () => {
    const { url } = await runServer(echo);
    const socket = new WebSocket(url);
    await next(socket, "open");
    socket.send("x");
    const message = await next(socket, "message");
    expect(message).toBeInstanceOf(MessageEvent);
    expect(message).toMatchObject({ type: "message", data: "x", origin: url, isTrusted: false });
    socket.close();
    const close = await next(socket, "close");
    expect(close).toBeInstanceOf(CloseEvent);
    expect(close).toBeInstanceOf(Event);
    expect(Object.prototype.toString.call(close)).toBe("[object CloseEvent]");
  });

  test("each message is a task of its own: what a promise does comes between two", async () => {
    const burst = Buffer.concat(
      ["1", "2", "3"].map((text) => plainFrame({ opcode: Opcode.Text, payload: utf8(text) })),
    );
    const url = await fakeServer((accept, _request, socket) => {
      setImmediate(() => socket.write(burst));
      return goodAnswer(accept);
    });
    const socket = new WebSocket(url);
    const order: string[] = [];
    socket.onmessage = ({ data }) => {
      order.push(`message ${data}`);
      void Promise.resolve()
        .then(() => {})
        .then(() => order.push(`settled ${data}`));
    };
    await next(socket, "open");
    // Each is awaited only when the one before has come.
    for (const expected of ["1", "2", "3"]) {
      expect((await next(socket, "message")).data).toBe(expected);
    }
    await Promise.resolve().then(() => {});
    expect(order).toEqual([1, 2, 3].flatMap((n) => [`message ${n}`, `settled ${n}`]));
  });

  test("a message in the same packet as the handshake is not lost to a late listener", async () => {
    const frame = plainFrame({ opcode: Opcode.Text, payload: utf8("early") });
    const url = await fakeServer((accept) =>
      Buffer.concat([Buffer.from(goodAnswer(accept)), frame]),
    );
    const socket = new WebSocket(url);
    await next(socket, "open");
    expect((await next(socket, "message")).data).toBe("early");
  });
});

describe("send", () => {
  test("strings, buffers, views of a part, and Blobs arrive in the order of the calls", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = new WebSocket(url);
    await next(socket, "open");
    const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5);
    socket.send("a");
    socket.send(new Blob(["blob"]));
    socket.send(bytes.buffer);
    socket.send(new DataView(bytes.buffer, 2, 3));
    bytes.fill(9);
    socket.send(new Blob([]));
    socket.send("z");
    await witness.until(() => witness.messages.length === 6);
    expect(witness.messages.map(shown)).toEqual([
      "a",
      [...Buffer.from("blob")],
      [0, 1, 2, 3, 4, 5],
      [2, 3, 4],
      [],
      "z",
    ]);
  });

  test("other values are sent as their text, lone surrogates as U+FFFD (USVString)", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = new WebSocket(url);
    await next(socket, "open");
    for (const value of [5, null, undefined, { toString: () => "o" }, "\ud800x"]) {
      socket.send(value as string);
    }
    await witness.until(() => witness.messages.length === 5);
    expect(witness.messages).toEqual(["5", "null", "undefined", "o", "\ufffdx"]);
  });

  test("while connecting it is an InvalidStateError", async () => {
    const { url } = await runServer(echo);
    const socket = new WebSocket(url);
    const send = (): void => socket.send("x");
    expect(send).toThrow(expect.objectContaining({ name: "InvalidStateError" }));
    await next(socket, "open");
  });

  test("bufferedAmount counts payload bytes, at once, and falls to 0", async () => {
    const socket = await openEcho();
    socket.send("é");
    expect(socket.bufferedAmount).toBe(2);
    socket.send(new Uint8Array(1_000));
    expect(socket.bufferedAmount).toBe(1_002);
    socket.send(new Blob(["12345"]));
    expect(socket.bufferedAmount).toBe(1_007);
    await next(socket, "message");
    await next(socket, "message");
    await next(socket, "message");
    expect(socket.bufferedAmount).toBe(0);
  });

  test("after close it only raises bufferedAmount, which never falls again", async () => {
    const socket = await openEcho();
    socket.close();
    socket.send("123");
    expect(socket.bufferedAmount).toBe(3);
    await next(socket, "close");
    socket.send(new Uint8Array(4));
    expect(socket.bufferedAmount).toBe(7);
  });

  test("a large message goes out whole and comes back whole", async () => {
    const socket = await openEcho();
    socket.binaryType = "arraybuffer";
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index * 31);
    socket.send(bytes);
    const { data } = await next(socket, "message");
    expect(Buffer.compare(new Uint8Array(data as ArrayBuffer), bytes)).toBe(0);
  });

  test("binary comes as a Blob by default", async () => {
    const socket = await openEcho();
    socket.send(Uint8Array.of(1, 2));
    const { data } = (await next(socket, "message")) as MessageEvent<Blob>;
    expect(data).toBeInstanceOf(Blob);
    expect(new Uint8Array(await data.arrayBuffer())).toEqual(Uint8Array.of(1, 2));
  });
});

describe("close", () => {
  test.each([0, 999, 1001, 1005, 2999, 5000, 65_536, Number.NaN])(
    "with code %d is an InvalidAccessError",
    async (code) => {
      const socket = await openEcho();
      const close = (): void => socket.close(code);
      expect(close).toThrow(expect.objectContaining({ name: "InvalidAccessError" }));
      expect(socket.readyState).toBe(1);
    },
  );

  test("a reason of more than 123 bytes is a SyntaxError, one of 123 is sent", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = new WebSocket(url);
    await next(socket, "open");
    const close = (): void => socket.close(1000, "é".repeat(62));
    expect(close).toThrow(expect.objectContaining({ name: "SyntaxError" }));
    socket.close(3000, `${"é".repeat(61)}x`);
    expect((await witness.closed()).reason).toBe(`${"é".repeat(61)}x`);
  });

  test("the state is CLOSING at once and the close event comes later, cleanly", async () => {
    const socket = await openEcho();
    socket.close(4321, "why");
    expect(socket.readyState).toBe(2);
    socket.close(1000);
    const close = await next(socket, "close");
    expect(close).toMatchObject({ code: 4321, reason: "why", wasClean: true });
    expect(socket.readyState).toBe(3);
  });

  test("without a code the peer sees 1005 (RFC 6455 §7.1.5)", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = new WebSocket(url);
    await next(socket, "open");
    socket.close();
    expect((await witness.closed()).code).toBe(1005);
  });

  test("while connecting it fails the connection: error and close 1006, later", async () => {
    const { url } = await runServer(echo);
    const socket = new WebSocket(url);
    const events = eventsOf(socket);
    const seen = vi.fn<() => void>();
    socket.onerror = seen;
    socket.close();
    expect(socket.readyState).toBe(2);
    expect(seen).not.toHaveBeenCalled();
    expect(await events).toEqual(["error", "close"]);
  });

  test("what was sent before it, Blobs included, still goes out", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = new WebSocket(url);
    await next(socket, "open");
    socket.send(new Blob(["late"]));
    socket.send("end");
    socket.close();
    await witness.closed();
    expect(witness.messages.map(shown)).toEqual([[...Buffer.from("late")], "end"]);
  });

  test("messages that come after close() are not delivered", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = new WebSocket(url);
    await next(socket, "open");
    const seen = vi.fn<() => void>();
    socket.onmessage = seen;
    (await witness.opened()).send("late");
    socket.close();
    await next(socket, "close");
    expect(seen).not.toHaveBeenCalled();
  });

  test("when the server closes, its code and reason arrive", async () => {
    const { url } = await runServer({ onOpen: (peer: Peer) => peer.close(4001, "grund ü") });
    const socket = new WebSocket(url);
    const close = await next(socket, "close");
    expect(close).toMatchObject({ code: 4001, reason: "grund ü", wasClean: true });
  });

  test("a connection that breaks is an error and 1006", async () => {
    const { url } = await runServer({ onOpen: (peer: Peer) => peer.terminate() });
    const socket = new WebSocket(url);
    const close = next(socket, "close");
    await next(socket, "error");
    expect(await close).toMatchObject({ code: 1006, reason: "", wasClean: false });
  });
});

describe("a server that breaks the protocol", () => {
  test.each([
    ["a masked frame", Uint8Array.of(0x81, 0x81, 1, 2, 3, 4, 5)],
    ["bad UTF-8", plainFrame({ opcode: Opcode.Text, payload: Uint8Array.of(0x80) })],
    ["a reserved bit", plainFrame({ opcode: Opcode.Text, reservedBits: 0x40 })],
    ["a message beyond the limit", plainFrame({ opcode: Opcode.Binary, announced: 2n ** 40n })],
    ["a bad close code", plainFrame({ opcode: Opcode.Close, payload: Uint8Array.of(3, 237) })],
  ])("%s fails the connection: error, close 1006", async (_, bytes) => {
    const url = await fakeServer((accept) =>
      Buffer.concat([Buffer.from(goodAnswer(accept)), bytes]),
    );
    expect(await eventsOf(new WebSocket(url))).toEqual(["open", "error", "close"]);
  });

  test.each<[string, (accept: string) => string]>([
    ["200", () => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["a redirect", () => "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/\r\n\r\n"],
    ["a wrong proof", () => goodAnswer("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
    ["no Upgrade", (accept) => goodAnswer(accept).replace("Upgrade: websocket\r\n", "")],
    ["no Connection", (accept) => goodAnswer(accept).replace("Connection: Upgrade\r\n", "")],
    ["HTTP/1.0", (accept) => goodAnswer(accept).replace("HTTP/1.1", "HTTP/1.0")],
    [
      "an extension that was not offered",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    ],
    [
      "a subprotocol that was not offered",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Protocol: x\r\n"),
    ],
    ["garbage", () => "\u0000\u0001\u0002\r\n\r\n"],
    ["an endless header", () => `HTTP/1.1 101 X\r\n${"x: y\r\n".repeat(5_000)}`],
  ])("an answer of %s fails the handshake", async (_, answer) => {
    const socket = new WebSocket(await fakeServer(answer));
    expect(await eventsOf(socket)).toEqual(["error", "close"]);
  });

  test("one that chooses none of the offered subprotocols fails it", async () => {
    const socket = new WebSocket(await fakeServer((accept) => goodAnswer(accept)), "chat");
    expect(await eventsOf(socket)).toEqual(["error", "close"]);
  });

  test("one that ends the connection instead of answering fails it", async () => {
    const url = await fakeServer((_accept, _request, socket) => {
      socket.end();
      return "";
    });
    expect(await eventsOf(new WebSocket(url))).toEqual(["error", "close"]);
  });
});

function shown(message: string | Uint8Array): string | number[] {
  return typeof message === "string" ? message : [...message];
}
