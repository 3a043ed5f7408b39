import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  createWebSocketStream,
  implementation,
  type WebSocket,
} from "../rigs/ws/implementation.ts";
import { goodAnswer, rawServer } from "../rigs/ws/raw-peer.ts";
import { closed, connect, keep, listen, message, next, turns, until } from "../rigs/ws/rig.ts";
import { openStream, watch, whenClosed } from "./stream-rig.ts";

describe("createWebSocketStream()", () => {
  test("is a static method of the class, too, and returns a Duplex over any emitter", () => {
    expect(implementation.createWebSocketStream).toBe(createWebSocketStream);
    expect(createWebSocketStream(new EventEmitter() as WebSocket)).toBeInstanceOf(Duplex);
  });

  test("passes its options on", async () => {
    const { duplex, peer, seen } = await openStream({ allowHalfOpen: false, encoding: "utf8" });
    const heard = next(duplex, "data");
    peer.send(Buffer.from("hi"));
    expect(await heard).toEqual(["hi"]);
    peer.close();
    expect(await whenClosed(seen)).toEqual(expect.arrayContaining(["end", "finish", "close"]));
  });

  test("distinguishes text from bytes with readableObjectMode", async () => {
    const { duplex, peer, seen } = await openStream({ readableObjectMode: true });
    const data: unknown[] = [];
    duplex.on("data", (chunk) => data.push(chunk));
    peer.send("foo");
    peer.send(Buffer.from("bar"));
    peer.close();
    await until(() => seen.includes("end"));
    expect(data).toEqual(["foo", Buffer.from("bar")]);
    expect(seen).toEqual(["end"]);
    duplex.end();
    await whenClosed(seen);
  });

  test("sends strings as text with decodeStrings false, and as bytes otherwise", async () => {
    for (const decodeStrings of [true, false]) {
      const { duplex, peer } = await openStream({ decodeStrings });
      const heard = message(peer);
      duplex.write("hi");
      expect(await heard).toEqual({ data: Buffer.from("hi"), isBinary: decodeStrings });
    }
  });
});

describe("writing to the stream", () => {
  test("before it is open waits for the opening", async () => {
    const { url, wss } = await listen();
    wss.on("connection", (peer) => keep(peer));
    const connection = next(wss, "connection");
    const client = connect(url);
    const duplex = createWebSocketStream(client);
    const seen = watch(duplex);
    duplex.resume();
    duplex.write(Buffer.from("hi"));
    const [peer] = (await connection) as [WebSocket];
    const heard = message(peer);
    const end = closed(peer);
    peer.close();
    expect(await heard).toEqual({ data: Buffer.from("hi"), isBinary: true });
    expect((await end).code).toBe(1005);
    await until(() => seen.includes("end"));
    duplex.end();
    await whenClosed(seen);
  });

  test("while the socket closes is an error", async () => {
    const { duplex, client, seen } = await openStream();
    client.close();
    duplex.write("hi");
    expect(await whenClosed(seen)).toEqual([
      "error WebSocket is not open: readyState 2 (CLOSING)",
      "close",
    ]);
    expect(duplex.destroyed).toBe(true);
  });

  test("after the socket has closed is an error", async () => {
    const { duplex, client, peer, seen } = await openStream();
    client.on("close", () => duplex.write("hi"));
    peer.close();
    expect(await whenClosed(seen)).toEqual([
      "error WebSocket is not open: readyState 3 (CLOSED)",
      "close",
    ]);
  });

  test("too much makes the writer wait for 'drain'", async () => {
    const { duplex, peer, seen } = await openStream();
    const chunk = Buffer.alloc(1024);
    let written = 0;
    do written += 1;
    while (duplex.write(chunk));
    let received = 0;
    peer.on("message", () => (received += 1));
    await next(duplex, "drain");
    duplex.end();
    duplex.resume();
    await whenClosed(seen);
    expect(received).toBe(written);
    expect(seen).toEqual(expect.arrayContaining(["finish", "end", "close"]));
  });
});

describe("the end of the stream", () => {
  test("that was requested while connecting happens once it is open", async () => {
    const { url, wss } = await listen();
    wss.on("connection", keep);
    const duplex = createWebSocketStream(connect(url));
    const seen = watch(duplex);
    duplex.resume();
    duplex.end();
    await whenClosed(seen);
    expect(seen.sort()).toEqual(["close", "end", "finish"]);
  });

  test("that was requested before a failed handshake causes the handshake's error", async () => {
    const { url } = await rawServer(() => goodAnswer("wrong"));
    const duplex = createWebSocketStream(connect(url));
    const seen = watch(duplex);
    duplex.end();
    expect(await whenClosed(seen)).toEqual(["error Invalid Sec-WebSocket-Accept header", "close"]);
  });

  test("that was requested after a failed handshake causes that error, without 'finish'", async () => {
    const { url } = await rawServer(() => goodAnswer("wrong"));
    const client = connect(url);
    const duplex = createWebSocketStream(client);
    const seen = watch(duplex);
    const states: number[] = [];
    client.on("upgrade", () => {
      process.nextTick(() => {
        states.push(client.readyState);
        duplex.end();
      });
    });
    expect(await whenClosed(seen)).toEqual(["error Invalid Sec-WebSocket-Accept header", "close"]);
    expect(states).toEqual([2]);
  });

  test("'finish' is first if it is ended before it is read to its end", async () => {
    const { duplex, client, peer, seen } = await openStream();
    peer.send("foo");
    peer.close();
    client.on("close", () => duplex.end());
    duplex.on("finish", () => {
      expect([duplex.destroyed, duplex.readable]).toEqual([false, true]);
      duplex.resume();
    });
    expect(await whenClosed(seen)).toEqual(["finish", "end", "close"]);
  });

  test("'end' is first if it is read to its end before it is ended", async () => {
    const { duplex, peer, seen } = await openStream();
    duplex.on("end", () => {
      expect([duplex.destroyed, duplex.writable]).toEqual([false, true]);
      duplex.end();
    });
    duplex.resume();
    peer.close();
    expect(await whenClosed(seen)).toEqual(["end", "finish", "close"]);
  });
});

describe("back-pressure", () => {
  test("pauses the socket, and reading on resumes it", async () => {
    const { duplex, client, peer } = await openStream({ readableHighWaterMark: 16 });
    peer.send(Buffer.alloc(20));
    await until(() => duplex.readableLength === 20);
    expect(client.isPaused).toBe(true);
    peer.send(Buffer.alloc(20));
    await turns(20);
    expect(duplex.readableLength).toBe(20);
    duplex.resume();
    await until(() => duplex.readableLength === 0 && !client.isPaused);
  });

  test("does not keep a closing socket from closing, once it is read again", async () => {
    const { duplex, client, peer, seen } = await openStream({ readableHighWaterMark: 16 });
    peer.send(Buffer.alloc(20));
    await until(() => client.isPaused);
    client.close();
    peer.send(Buffer.alloc(20));
    const data: Buffer[] = [];
    duplex.on("data", (chunk: Buffer) => data.push(chunk));
    await until(() => seen.includes("end"));
    expect(client.readyState).toBe(3);
    duplex.end();
    await whenClosed(seen);
    expect(Buffer.concat(data).length).toBeGreaterThanOrEqual(20);
  });

  test("delivers everything in order, however slowly it is read", async () => {
    const { duplex, peer, seen } = await openStream({ readableHighWaterMark: 1024 });
    const all = Buffer.alloc(200_000, "0123456789");
    for (let at = 0; at < all.length; at += 1000) peer.send(all.subarray(at, at + 1000));
    peer.close();
    const parts: Buffer[] = [];
    for await (const chunk of duplex) {
      parts.push(chunk as Buffer);
      if (parts.length % 10 === 0) await turns(1);
    }
    expect(Buffer.concat(parts).equals(all)).toBe(true);
    duplex.end();
    await whenClosed(seen);
  });
});
