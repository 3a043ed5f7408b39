import { createContext, runInContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { WebSocket } from "../../../src/client/index.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { fakeServer, goodAnswer } from "../../rigs/sockets/fake-server.ts";
import { thrownBy } from "./open-socket.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

const nowhere = "ws://127.0.0.1:1";
const syntaxError = expect.objectContaining({ name: "SyntaxError", code: 12 });

/** Returns the subprotocols that a server is asked for. */
async function askedOf(protocols: unknown): Promise<string | undefined> {
  let asked: string | undefined;
  const url = await fakeServer((accept, request) => {
    asked = /Sec-WebSocket-Protocol: (.*)\r\n/i.exec(request)?.[1];
    return goodAnswer(accept, asked === undefined ? "" : `Sec-WebSocket-Protocol: a\r\n`);
  });
  const socket = new WebSocket(url, protocols as string);
  await new Promise((resolve) => {
    socket.onopen = resolve;
    socket.onerror = resolve;
  });
  socket.close();
  return asked;
}

describe("the URL (WHATWG WebSockets §3.1, get a URL record)", () => {
  test.each([
    "",
    "no url",
    "/relative",
    "?",
    "#test",
    "ftp://host/",
    "mailto:a@b",
    "about:blank",
    "blob:ws://host/",
    "ws://",
    "ws:///",
    "ws://a b/",
    "wss://web platform.test",
    "ws://host:65536/",
    "ws://[::1/",
    "ws://h.test/#",
    "wss://h.test/a?b#c",
    "http://h.test/#c",
  ])("%j is a SyntaxError", (url) => {
    expect(() => new WebSocket(url)).toThrow(syntaxError);
  });

  test.each([null, 123, undefined])(
    "%s is converted to text, which is not an absolute URL",
    (url) => {
      expect(() => new WebSocket(url as unknown as string)).toThrow(syntaxError);
    },
  );

  test.each([
    ["http://h.test:81/p?q", "ws://h.test:81/p?q"],
    ["https://h.test", "wss://h.test/"],
    ["HTTPS://h.test:443/", "wss://h.test/"],
    ["WS://H.test:80/%7e", "ws://h.test/%7e"],
    ["wss://h.test:443/", "wss://h.test/"],
    ["wss://h.test:80/", "wss://h.test:80/"],
    ["ws://h.test/?ü", "ws://h.test/?%C3%BC"],
    ["ws://h.test/?\ud800x", "ws://h.test/?%EF%BF%BDx"],
    ["ws://h.test/?x\0y\0", "ws://h.test/?x%00y"],
    ["ws://h.test/?%23", "ws://h.test/?%23"],
    ["\n ws://h.test/a\tb ", "ws://h.test/ab"],
    ["ws:\\\\h.test\\a", "ws://h.test/a"],
  ])("%j becomes %s", (given, url) => {
    const socket = new WebSocket(given);
    expect(socket.url).toBe(url);
    socket.close();
  });

  test("a URL object is accepted, and later changes to it have no effect", () => {
    const url = new URL("http://h.test/a");
    const socket = new WebSocket(url);
    url.pathname = "/c";
    expect(socket.url).toBe("ws://h.test/a");
    socket.close();
  });

  test("it is relative to a location, if a DOM emulation provides one", () => {
    const platform = globalThis as { location?: unknown };
    platform.location = { href: "https://page.test/a/b?c#d" };
    try {
      const socket = new WebSocket("../e");
      expect(socket.url).toBe("wss://page.test/e");
      socket.close();
    } finally {
      delete platform.location;
    }
  });
});

describe("subprotocols", () => {
  test.each([
    [["a", "a"]],
    [["echo", "eCho"]],
    [[""]],
    [["a b"]],
    ["a,b"],
    ["/echo"],
    [""],
    ["ü"],
    ["\u0080echo"],
    [["a\r\nX: y"]],
    [{ protocols: ["a", "a"] }],
    [{ protocols: "a b" }],
  ])("%j is a SyntaxError (RFC 6455 §4.1)", (protocols) => {
    expect(() => new WebSocket(nowhere, protocols)).toThrow(syntaxError);
  });

  test.each<[string, unknown, string | undefined]>([
    ["nothing", undefined, undefined],
    ["an empty list", [], undefined],
    ["a string", "a", "a"],
    ["a list", ["a", "b"], "a, b"],
    ["any iterable", new Set(["a", "b"]), "a, b"],
    ["a String object, which is iterable", new String("ab"), "a, b"],
    ["items of any type, converted to text", ["a", 1, null], "a, 1, null"],
    ["a number, converted to text", 5, "5"],
    ["null, converted to text", null, "null"],
    ["an options object without protocols", {}, undefined],
    ["an options object with a string", { protocols: "a" }, "a"],
    ["an options object with a list", { protocols: ["a", "b"], later: 1 }, "a, b"],
    [
      "an object whose iterator is null, as an options object",
      { [Symbol.iterator]: null },
      undefined,
    ],
  ])("%s (Web IDL §3.2.24)", async (_, protocols, asked) => {
    expect(await askedOf(protocols)).toBe(asked);
  });

  test.each<[string, unknown]>([
    ["a Symbol", Symbol("a")],
    ["a Symbol in a list", [Symbol("a")]],
    ["an iterator that is not a function", { [Symbol.iterator]: 5 }],
    ["an iterator result that is not an object", { [Symbol.iterator]: () => ({ next: () => 5 }) }],
    ["an options object whose protocols contain a Symbol", { protocols: [Symbol("a")] }],
  ])("%s is a TypeError", (_, protocols) => {
    expect(() => new WebSocket(nowhere, protocols as string)).toThrow(TypeError);
  });
});

describe("the order of checks (Web IDL §3.7.1: all conversions, then the steps)", () => {
  test("an argument that cannot be converted takes precedence over an invalid URL", () => {
    const failure = new Error("from toString");
    const protocols = [
      {
        toString: () => {
          throw failure;
        },
      },
    ];
    const make = (): unknown => new WebSocket("no url", protocols as unknown as string[]);
    expect(thrownBy(make)).toBe(failure);
  });

  test("the URL is converted before the subprotocols", () => {
    const order: string[] = [];
    const named = (name: string): string =>
      ({ toString: () => (order.push(name), "x") }) as unknown as string;
    expect(() => new WebSocket(named("url"), [named("protocol")])).toThrow(syntaxError);
    expect(order).toEqual(["url", "protocol"]);
  });

  test("an invalid URL takes precedence over invalid subprotocols", () => {
    expect(() => new WebSocket("ftp://h.test", "a b")).toThrow(/scheme/);
  });

  test("a Symbol as the URL is a TypeError, and so is a missing URL", () => {
    expect(() => new WebSocket(Symbol("u") as unknown as string)).toThrow(TypeError);
    expect(() => Reflect.construct(WebSocket, [])).toThrow(TypeError);
  });

  test("a subprotocol's iterator is not closed when an item cannot be converted", () => {
    let closed = false;
    const protocols = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: Symbol("a") }),
        return: () => {
          closed = true;
          return {};
        },
      }),
    };
    expect(() => new WebSocket(nowhere, protocols as unknown as string[])).toThrow(TypeError);
    expect(closed).toBe(false);
  });
});

describe("other arguments", () => {
  test("additional arguments are ignored", async () => {
    const { url } = await runServer({ ...echo, protocols: ["a"] });
    const Any = WebSocket as unknown as new (...given: unknown[]) => WebSocket;
    for (const protocols of [undefined, "a", ["a"]]) {
      const socket = new Any(url, protocols, { headers: { a: "b" } }, "stray");
      await next(socket, "open");
      expect(socket.protocol).toBe(protocols === undefined ? "" : "a");
      socket.close();
    }
  });

  test("a list from another realm is a list", async () => {
    const list = runInContext("['a', 'b']", createContext({})) as string[];
    expect(await askedOf(list)).toBe("a, b");
  });

  test("many simultaneous sockets are independent", async () => {
    const { url } = await runServer(echo);
    const texts = await Promise.all(
      Array.from({ length: 25 }, async (_, index) => {
        const socket = new WebSocket(url);
        await next(socket, "open");
        socket.send(index as unknown as string);
        const { data } = await next(socket, "message");
        socket.close();
        expect((await next(socket, "close")).wasClean).toBe(true);
        return data as string;
      }),
    );
    expect(texts).toEqual(texts.map((_, index) => String(index)));
  });
});

describe("bad ports (Fetch §2.8)", () => {
  test.each([0, 1, 22, 25, 79, 143, 6000, 6566, 6667, 10_080])(
    "%d fails in a separate task, and nothing is sent",
    async (port) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      expect(socket.readyState).toBe(WebSocket.CONNECTING);
      const errors: unknown[] = [];
      socket.onerror = ({ error }) => errors.push(error.code);
      expect(await eventsOf(socket)).toEqual(["error", "close"]);
      expect(errors).toEqual(["blocked_port"]);
    },
  );

  test("the scheme's default port is the empty port", () => {
    const socket = new WebSocket("ws://h.invalid:80/");
    expect(socket.url).toBe("ws://h.invalid/");
    socket.close();
  });
});
