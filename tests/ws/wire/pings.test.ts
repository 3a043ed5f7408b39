import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import type { WebSocket } from "../../rigs/ws/implementation.ts";
import { closed, keep, listen, Log, next, openPair, text, told, turns } from "../../rigs/ws/rig.ts";
import { SlowPipe } from "../../rigs/ws/memory-stream.ts";

describe.each(["ping", "pong"] as const)("%s()", (send) => {
  const payloads: [string, unknown, string][] = [
    ["nothing", undefined, ""],
    ["a string", "hi", "hi"],
    ["a number", 0, "0"],
    ["a Buffer", Buffer.from("hi"), "hi"],
    ["an ArrayBuffer", new Uint8Array([104, 105]).buffer, "hi"],
    ["a Blob", new Blob(["hi"]), "hi"],
    ["125 bytes", "x".repeat(125), "x".repeat(125)],
  ];
  test.each(payloads)("sends %s", async (_, data, received) => {
    const { client, peer } = await openPair({ autoPong: false });
    client[send](data);
    const [payload] = await next(peer, send);
    expect(Buffer.isBuffer(payload)).toBe(true);
    expect(String(payload)).toBe(received);
  });

  test("accepts a callback in place of either argument", async () => {
    const { client, peer } = await openPair({ autoPong: false });
    const log = new Log(peer);
    expect(await told((done) => client[send](done))).toBe("written");
    expect(await told((done) => client[send]("two", done))).toBe("written");
    expect(await told((done) => client[send]("three", true, done))).toBe("written");
    client.close();
    await log.closed;
    expect(log.lines).toEqual([send, `${send} two`, `${send} three`, "close 1005"]);
  });

  test("throws a RangeError for more than 125 bytes", async () => {
    const { client } = await openPair();
    const refusal = new RangeError("The data size must not be greater than 125 bytes");
    expect(() => client[send](Buffer.alloc(126))).toThrow(refusal);
    expect(() => client[send]("€".repeat(42))).toThrow(refusal);
    expect(client.readyState).toBe(1);
  });

  test("calls back with an error after closing has begun, and counts the unsent bytes", async () => {
    const { client, peer } = await openPair();
    const close = closed(peer);
    peer.close();
    const closing = told((done) => peer[send]("hi", done));
    await close;
    const after = told((done) => peer[send](done));
    expect(await closing).toEqual(new Error("WebSocket is not open: readyState 2 (CLOSING)"));
    expect(await after).toEqual(new Error("WebSocket is not open: readyState 3 (CLOSED)"));
    expect(peer.bufferedAmount).toBe(2);
    expect(client.readyState).toBeGreaterThan(1);
  });
});

describe("a received ping", () => {
  test("is answered with its payload before it is emitted", async () => {
    const { client, peer } = await openPair();
    const order: string[] = [];
    client.on("ping", () => {
      order.push("ping");
      client.send("behind the pong");
    });
    const log = new Log(peer);
    peer.ping("hi");
    await text(peer);
    expect(log.lines).toEqual(["pong hi", "text behind the pong"]);
    expect(order).toEqual(["ping"]);
  });

  test("is not answered with autoPong false or undefined, at either end", async () => {
    for (const autoPong of [false, undefined]) {
      const { client, peer } = await openPair({ autoPong }, { autoPong });
      const pongs: string[] = [];
      client.on("pong", () => pongs.push("client"));
      peer.on("pong", () => pongs.push("peer"));
      const heard = Promise.all([next(client, "ping"), next(peer, "ping")]);
      client.ping();
      peer.ping();
      await heard;
      client.send("x");
      await text(peer);
      peer.send("x");
      await text(client);
      expect(pongs).toEqual([]);
    }
  });

  test("is emitted, but not answered, while closing", async () => {
    const { port, wss } = await listen();
    const connection = next(wss, "connection");
    const raw = await RawClient.upgrade(port);
    const [peer] = (await connection) as [WebSocket];
    peer.close();
    const before = peer.bufferedAmount;
    const ping = next(peer, "ping");
    raw.write(maskedFrame({ opcode: Opcode.Ping, payload: utf8("late") }));
    expect(String((await ping)[0])).toBe("late");
    expect(peer.bufferedAmount).toBe(before);
    raw.socket.end();
    await closed(peer);
    expect(raw.frames.map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
  });

  test("that arrives before earlier pongs are written ends the connection", async () => {
    const { wss } = await listen({ maxPendingAutoPongs: 2 });
    const pipe = new SlowPipe();
    const peer = await pipe.upgrade(wss);
    keep(peer);
    const log = new Log(peer);
    pipe.stall();
    peer.pong("pongs of the application do not count");
    const ping = maskedFrame({ opcode: Opcode.Ping });
    pipe.receive(Buffer.concat([ping, ping, ping]));
    await log.closed;
    expect(log.lines).toEqual(["pong", "ping", "ping", "ping", "close 1006"].slice(1));
    expect(log.states).toEqual([1, 1, 2, 3]);
  });

  test.each([
    [0, 100],
    [undefined, 100],
  ])("may wait in any number with maxPendingAutoPongs %s", async (maxPendingAutoPongs, count) => {
    const { wss } = await listen({ maxPendingAutoPongs });
    const pipe = new SlowPipe();
    const peer = keep(await pipe.upgrade(wss));
    pipe.stall();
    const pings: number[] = [];
    peer.on("ping", () => pings.push(peer.readyState));
    for (let sent = 0; sent < count; sent += 1) pipe.receive(maskedFrame({ opcode: 9 }));
    while (pings.length < count) await turns(1);
    expect(new Set(pings)).toEqual(new Set([1]));
  });

  test("the 61st waiting pong ends the connection by default", async () => {
    const { wss } = await listen();
    const pipe = new SlowPipe();
    const peer = keep(await pipe.upgrade(wss));
    pipe.stall();
    const log = new Log(peer);
    for (let sent = 0; sent < 60; sent += 1) pipe.receive(maskedFrame({ opcode: 9 }));
    while (log.lines.length < 60) await turns(1);
    expect(peer.readyState).toBe(1);
    pipe.receive(maskedFrame({ opcode: 9 }));
    expect((await log.closed).at(-1)).toBe("close 1006");
  });
});
