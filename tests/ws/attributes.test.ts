import { describe, expect, test } from "vitest";
import { WebSocket } from "../rigs/ws/implementation.ts";
import { closed, connect, listen, message, next, openPair, streamOf } from "../rigs/ws/rig.ts";

const prototype = WebSocket.prototype as object;

describe("the attributes", () => {
  test.each(["bufferedAmount", "extensions", "isPaused", "protocol", "readyState", "url"])(
    "%s is enumerable and configurable, but has no setter",
    (name) => {
      expect(Object.getOwnPropertyDescriptor(prototype, name)).toEqual({
        configurable: true,
        enumerable: true,
        get: expect.any(Function),
        set: undefined,
      });
    },
  );

  test.each(["binaryType", "onopen", "onmessage", "onclose", "onerror"])(
    "%s is enumerable and configurable, and has a setter",
    (name) => {
      expect(Object.getOwnPropertyDescriptor(prototype, name)).toEqual({
        configurable: true,
        enumerable: true,
        get: expect.any(Function),
        set: expect.any(Function),
      });
    },
  );

  test("assigning to one without a setter throws in strict mode", async () => {
    const { client } = await openPair();
    expect(() => ((client as { readyState: number }).readyState = 3)).toThrow(TypeError);
  });
});

describe("binaryType", () => {
  test("is nodebuffer by default, and rejects unknown values", async () => {
    const { client } = await openPair();
    expect(client.binaryType).toBe("nodebuffer");
    for (const type of ["arraybuffer", "fragments", "blob", "nodebuffer"] as const) {
      client.binaryType = type;
      expect(client.binaryType).toBe(type);
      client.binaryType = "foo" as never;
      client.binaryType = "" as never;
      expect(client.binaryType).toBe(type);
    }
  });

  test("determines the form of binary messages, from the next one on", async () => {
    const { client, peer } = await openPair();
    const bytes = Buffer.from([1, 2, 3]);
    const seen: unknown[] = [];
    for (const type of ["nodebuffer", "arraybuffer", "fragments", "blob"] as const) {
      client.binaryType = type;
      peer.send(bytes);
      seen.push((await message(client)).data);
    }
    const [buffer, arrayBuffer, fragments, blob] = seen;
    expect(buffer).toEqual(bytes);
    expect(arrayBuffer).toBeInstanceOf(ArrayBuffer);
    expect(Buffer.from(arrayBuffer as ArrayBuffer)).toEqual(bytes);
    expect(fragments).toEqual([bytes]);
    expect(Buffer.from(await (blob as Blob).arrayBuffer())).toEqual(bytes);
  });

  test("does not affect text, which is a Buffer", async () => {
    const { client, peer } = await openPair();
    client.binaryType = "arraybuffer";
    peer.send("hi");
    expect(await message(client)).toEqual({ data: Buffer.from("hi"), isBinary: false });
  });

  test("an ArrayBuffer has the size of the message", async () => {
    const { client, peer } = await openPair();
    client.binaryType = "arraybuffer";
    const sizes = [0, 1, 125, 126, 65_536, 200_000];
    for (const size of sizes) {
      peer.send(Buffer.alloc(size, 7));
      const data = (await message(client)).data as ArrayBuffer;
      expect(data.byteLength).toBe(size);
      expect(Buffer.from(data).every((octet) => octet === 7)).toBe(true);
    }
  });
});

describe("bufferedAmount", () => {
  test("is 0 before and when it opens", async () => {
    const { url } = await listen();
    const client = connect(url);
    expect(client.bufferedAmount).toBe(0);
    await next(client, "open");
    expect(client.bufferedAmount).toBe(0);
  });

  test("is 0 after writes that the operating system accepted immediately", async () => {
    const { client, peer } = await openPair();
    client.send("hi");
    expect(client.bufferedAmount).toBe(0);
    await message(peer);
  });

  test("counts unsent frames, including headers", async () => {
    const { peer, client } = await openPair();
    client.pause();
    const chunk = Buffer.alloc(64 * 1024);
    while (peer.bufferedAmount === 0) peer.send(chunk);
    // Part of the data may wait elsewhere than in the stream.
    expect(peer.bufferedAmount).toBeGreaterThanOrEqual(streamOf(peer).writableLength);
    const before = peer.bufferedAmount;
    peer.send(Buffer.alloc(10));
    expect(peer.bufferedAmount).toBe(before + 12);
  });

  test("counts messages that are being compressed by their original size", async () => {
    const { client } = await openPair(
      { perMessageDeflate: true },
      { perMessageDeflate: { threshold: 0 } },
    );
    client.send("foo");
    expect(client.bufferedAmount).toBe(3);
    const written = new Promise<number>((resolve) => {
      client.send("bar", () => resolve(client.bufferedAmount));
    });
    expect(client.bufferedAmount).toBe(6);
    expect(await written).toBe(0);
  });
});

describe("extensions and protocol", () => {
  test("are empty if nothing was negotiated", async () => {
    const { client, peer } = await openPair();
    expect([client.extensions, client.protocol]).toEqual(["", ""]);
    expect([peer.extensions, peer.protocol]).toEqual(["", ""]);
  });

  test("report compression from the opening on", async () => {
    const { url, wss } = await listen({ perMessageDeflate: true });
    const connection = next(wss, "connection");
    const client = connect(url);
    expect(client.extensions).toBe("");
    await next(client, "open");
    expect(client.extensions).toBe("permessage-deflate");
    const [peer] = await connection;
    expect((peer as WebSocket).extensions).toBe("permessage-deflate");
  });

  test("the subprotocol is the same at both ends", async () => {
    const { client, peer } = await openPair({}, { protocols: ["foo", "bar"] });
    expect([client.protocol, peer.protocol]).toEqual(["foo", "foo"]);
  });
});

describe("readyState", () => {
  test("is 0, then 1 when it opens, 2 while it closes, 3 when it has closed", async () => {
    const { url } = await listen();
    const client = connect(url);
    const states = [client.readyState];
    client.on("open", () => {
      states.push(client.readyState);
      client.close(1001);
      states.push(client.readyState);
    });
    await next(client, "close");
    states.push(client.readyState);
    expect(states).toEqual([0, 1, 2, 3]);
  });

  test("is 3 in 'close' after terminate(), and 2 before", async () => {
    const { client } = await openPair();
    const end = closed(client);
    client.terminate();
    expect(client.readyState).toBe(2);
    expect(await end).toEqual({ code: 1006, reason: "", readyState: 3 });
  });
});

describe("url", () => {
  test.each([
    ["ws://127.0.0.1:1", "ws://127.0.0.1:1/"],
    ["wss://127.0.0.1:1/a?b", "wss://127.0.0.1:1/a?b"],
    ["http://127.0.0.1:1", "ws://127.0.0.1:1/"],
    ["https://127.0.0.1:1", "wss://127.0.0.1:1/"],
    ["ws://a:b@127.0.0.1:1/x", "ws://a:b@127.0.0.1:1/x"],
  ])("of %s is %s", async (given, url) => {
    const client = connect(given, { lookup: () => {} });
    expect(client.url).toBe(url);
    const end = closed(client);
    client.terminate();
    await end;
  });

  test("of a server's end is undefined", async () => {
    const { peer } = await openPair();
    expect(peer.url).toBeUndefined();
  });
});
