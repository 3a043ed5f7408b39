import { describe, expect, test } from "vitest";
import { closed, Log, message, openPair, streamOf, text, told } from "../../rigs/ws/rig.ts";

describe("send()", () => {
  const texts: [string, unknown, string][] = [
    ["a string", "hi €", "hi €"],
    ["a number", 0, "0"],
    ["an empty string", "", ""],
  ];
  test.each(texts)("sends %s as text", async (_, data, received) => {
    const { client, peer } = await openPair();
    client.send(data);
    expect(await message(peer)).toEqual({ data: Buffer.from(received), isBinary: false });
  });

  test.each([5, 0, null, "binary", true, Symbol("options")])(
    "treats %s in place of the options as no options",
    async (options) => {
      const { client, peer } = await openPair();
      const told = new Promise((resolve) =>
        client.send("hi", options as unknown as object, resolve),
      );
      expect(await message(peer)).toEqual({ data: Buffer.from("hi"), isBinary: false });
      expect(await told).toBeFalsy();
    },
  );

  const floats = Float32Array.from({ length: 8 }, (_, index) => index);
  const bytes = Buffer.from(floats.buffer);
  const binaries: [string, unknown, Buffer][] = [
    ["a Buffer", bytes, bytes],
    ["a Uint8Array", new Uint8Array(bytes), bytes],
    ["a typed array", floats, bytes],
    ["a part of one", floats.subarray(2, 5), bytes.subarray(8, 20)],
    ["a DataView", new DataView(floats.buffer, 4, 4), bytes.subarray(4, 8)],
    ["an ArrayBuffer", floats.buffer, bytes],
    ["a SharedArrayBuffer", new SharedArrayBuffer(2), Buffer.alloc(2)],
    ["an array", [1, 2, 256], Buffer.from([1, 2, 0])],
    ["an array-like object", { length: 2, 0: 5, 1: 6 }, Buffer.from([5, 6])],
    ["a Blob", new Blob([bytes]), bytes],
    ["nothing", undefined, Buffer.alloc(0)],
    ["null", null, Buffer.alloc(0)],
    ["false", false, Buffer.alloc(0)],
  ];
  test.each(binaries)("sends %s as a binary message", async (_, data, received) => {
    const { client, peer } = await openPair();
    client.send(data);
    expect(await message(peer)).toEqual({ data: received, isBinary: true });
  });

  test.each([
    ["true", true],
    ["an object", {}],
    ["a symbol", Symbol("x")],
    ["a bigint", 1n],
    ["a function instead of an array", new Map()],
  ])("throws Node's own TypeError for %s", async (_, data) => {
    const { client, peer } = await openPair();
    expect(() => client.send(data, {})).toThrow(TypeError);
    try {
      client.send(data, {});
    } catch (error) {
      expect((error as { code: string }).code).toBe("ERR_INVALID_ARG_TYPE");
    }
    client.send("good");
    expect(await text(peer)).toBe("good");
  });

  test("sends long messages whole, and they are echoed whole", async () => {
    const { client, peer } = await openPair({ maxPayload: 0 }, { maxPayload: 0 });
    peer.on("message", (data: Buffer, isBinary: boolean) => peer.send(data, { binary: isBinary }));
    const array = Float32Array.from({ length: 1024 * 1024 }, (_, index) => index / 10);
    client.send(array);
    const { data } = await message(client);
    expect(Buffer.from(array.buffer).equals(data as Buffer)).toBe(true);
  });

  test("applies its options", async () => {
    const { client, peer } = await openPair();
    client.send("text", { binary: true });
    expect(await message(peer)).toEqual({ data: Buffer.from("text"), isBinary: true });
    client.send(Buffer.from("bytes"), { binary: false });
    expect(await message(peer)).toEqual({ data: Buffer.from("bytes"), isBinary: false });
  });

  test("an option with the value undefined overrides the default: not binary", async () => {
    const { client, peer } = await openPair();
    client.send(Buffer.from("bytes"), { binary: undefined });
    expect(await message(peer)).toEqual({ data: Buffer.from("bytes"), isBinary: false });
  });

  test("sends a message in fragments", async () => {
    const { client, peer } = await openPair();
    client.send("fra", { fin: false });
    client.send("gment", { fin: true });
    client.send(Buffer.from("by"), { fin: false });
    client.send("tes");
    client.close();
    expect(await new Log(peer).closed).toEqual(["text fragment", "binary bytes", "close 1005"]);
  });

  test("does not change the given bytes", async () => {
    const { client, peer } = await openPair();
    const given = [Buffer.from("buffer"), new Uint8Array([1, 2]), new Uint8Array(40_000).fill(3)];
    const before = given.map((one) => Buffer.from(one));
    const log = new Log(peer);
    for (const one of given) client.send(one);
    client.send(given[1]!.buffer);
    client.ping(given[0]);
    client.close();
    await log.closed;
    expect(given.map((one) => Buffer.from(one))).toEqual(before);
  });

  test("sends the bytes of the time of the call, whatever happens to them later", async () => {
    const { client, peer } = await openPair();
    for (const [from, to] of [
      [client, peer],
      [peer, client],
    ] as const) {
      for (const size of [10, 1000, 33_000, 40_000]) {
        const heard = message(to);
        const bytes = Buffer.alloc(size, 1);
        from.send(bytes);
        bytes.fill(2);
        const { data } = await heard;
        expect((data as Buffer).equals(Buffer.alloc(size, 1))).toBe(true);
      }
    }
  });

  test("without a mask violates the protocol as a client", async () => {
    const { client, peer } = await openPair();
    const errors = Promise.all([closed(client), closed(peer)]);
    const log = new Log(peer);
    client.send("hi", { mask: false });
    const [mine, its] = await errors;
    expect([mine.code, its.code]).toEqual([1002, 1006]);
    expect(log.lines[0]).toBe("error Invalid WebSocket frame: MASK must be set");
  });
});

describe("the callback of send()", () => {
  test("may be passed in place of the options, and is called without an error", async () => {
    const { client } = await openPair();
    expect(await told((done) => client.send("hi", done))).toBe("written");
    expect(await told((done) => client.send("hi", {}, done))).toBe("written");
    expect(await told((done) => client.send(new Blob(["hi"]), done))).toBe("written");
    expect(await told((done) => client.send("hi", { fin: false }, done))).toBe("written");
  });

  test("is called after send() has returned, in the order of the messages", async () => {
    const { client } = await openPair();
    const order: number[] = [];
    const all = [1, 2, 3].map((number) =>
      told((done) => {
        client.send("x", () => {
          order.push(number);
          done();
        });
        order.push(-number);
      }),
    );
    await Promise.all(all);
    expect(order).toEqual([-1, -2, -3, 1, 2, 3]);
  });

  test("is called with an error if close() was called before", async () => {
    const { client, peer } = await openPair();
    const close = closed(peer);
    peer.close();
    const closing = told((done) => peer.send("hi", done));
    expect(peer.bufferedAmount).toBeGreaterThanOrEqual(2);
    await close;
    const after = told((done) => peer.send("hi", done));
    expect(await closing).toEqual(new Error("WebSocket is not open: readyState 2 (CLOSING)"));
    expect(await after).toEqual(new Error("WebSocket is not open: readyState 3 (CLOSED)"));
    expect(peer.bufferedAmount).toBe(4);
    expect(client.bufferedAmount).toBe(0);
  });

  test("is called with an error if the connection is lost before all is written", async () => {
    const { client, peer } = await openPair();
    client.pause();
    const chunk = Buffer.alloc(256 * 1024);
    while (peer.bufferedAmount === 0) peer.send(chunk);
    const lost = told((done) => peer.send(chunk, done));
    peer.terminate();
    expect(await lost).toBeInstanceOf(Error);
  });
});

describe("Blobs", () => {
  test("keep the order with later messages, and precede the close", async () => {
    const { client, peer } = await openPair();
    const log = new Log(client);
    peer.send(new Blob(["one"]));
    peer.send("two");
    peer.ping("three");
    peer.send(new Blob(["four"]));
    peer.close(1000, "five");
    expect(await log.closed).toEqual([
      "binary one",
      "text two",
      "ping three",
      "binary four",
      "close 1000 five",
    ]);
  });

  test("count in bufferedAmount while they are read", async () => {
    const { client } = await openPair();
    client.send(new Blob(["foo"]));
    const written = told((done) => client.send("ba", done));
    expect(client.bufferedAmount).toBe(5);
    await written;
    expect(client.bufferedAmount).toBe(0);
  });

  test("call back in order with an error if the socket was closed meanwhile", async () => {
    const { client, peer } = await openPair();
    const seen: unknown[] = [];
    const hear = (number: number) => (error?: Error | null) =>
      seen.push([number, error?.message, peer.readyState]);
    peer.send(new Blob(["foo"]), hear(1));
    peer.send("bar");
    peer.send("baz", hear(3));
    const close = closed(peer);
    peer.terminate();
    await close;
    await told((done) => setImmediate(done));
    const text = "The socket was closed while the blob was being read";
    expect(seen.map((one) => (one as unknown[]).slice(0, 2))).toEqual([
      [1, text],
      [3, text],
    ]);
    expect(client.readyState).toBeGreaterThan(0);
  });
});

describe("data that is written to the stream itself", () => {
  test("is sent between the messages, in order", async () => {
    const { client, peer } = await openPair();
    const log = new Log(client);
    peer.send("one");
    streamOf(peer).write(Buffer.from([0x81, 3, 0x74, 0x77, 0x6f]));
    peer.send("three");
    peer.close();
    await log.closed;
    expect(log.lines).toEqual(["text one", "text two", "text three", "close 1005"]);
  });

  test("may be corked around several messages", async () => {
    const { client, peer } = await openPair();
    streamOf(peer).cork();
    peer.send("one");
    peer.send("two");
    streamOf(peer).uncork();
    expect(await text(client)).toBe("one");
  });
});
