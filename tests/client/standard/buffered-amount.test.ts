import { describe, expect, test } from "vitest";
import { openWebSocket } from "../../../src/client/index.ts";
import { turns, until } from "../../rigs/clock/event-loop.ts";
import { connecting, openEcho, openHeld, openWitnessed } from "./open-socket.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

/** More than the kernel buffers for a client whose server does not read, in bytes. */
const STUCK_BYTES = 24 * 1024 * 1024;

describe("bufferedAmount (WHATWG WebSockets §3.1)", () => {
  test("it counts payload bytes immediately, without headers and masks", async () => {
    const socket = await openEcho();
    expect(socket.bufferedAmount).toBe(0);
    let expected = 0;
    for (const [text, size] of [
      ["x", 1],
      ["å", 2],
      ["匶", 3],
      ["\u{1047e}", 4],
      ["\ud800", 3],
      ["", 0],
      ["y".repeat(65_000), 65_000],
    ] as const) {
      socket.send(text);
      expected += size;
      expect(socket.bufferedAmount).toBe(expected);
    }
    socket.send(new Uint16Array(5));
    expect(socket.bufferedAmount).toBe(expected + 10);
    socket.send(new ArrayBuffer(3));
    expect(socket.bufferedAmount).toBe(expected + 13);
    socket.send(new Blob(["12345"]));
    expect(socket.bufferedAmount).toBe(expected + 18);
    // It waits for the Blob, but counts immediately.
    socket.send("z");
    expect(socket.bufferedAmount).toBe(expected + 19);
    await until(() => socket.bufferedAmount === 0);
  });

  test("it does not change within a task, however much leaves meanwhile", async () => {
    const { socket } = await openHeld();
    await turns(1);
    socket.send("x");
    for (let step = 0; step < 5; step += 1) {
      await Promise.resolve();
      expect(socket.bufferedAmount).toBe(1);
    }
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await Promise.resolve();
    expect(socket.bufferedAmount).toBe(1);
    await until(() => socket.bufferedAmount === 0);
  });

  test("it has decreased when the echo arrives", async () => {
    const socket = await openEcho();
    for (const text of ["x", "å", "匶"]) socket.send(text);
    const seen: number[] = [];
    socket.onmessage = () => seen.push(socket.bufferedAmount);
    for (let message = 0; message < 3; message += 1) await next(socket, "message");
    expect(seen).toEqual([0, 0, 0]);
  });

  test("it stays while the server does not read, and falls to 0 once it does", async () => {
    const { socket, peer } = await openHeld();
    peer.socket.pause();
    socket.send(new Uint8Array(STUCK_BYTES));
    await turns(5);
    socket.send("more");
    await turns(5);
    expect(socket.bufferedAmount).toBe(STUCK_BYTES + 4);
    peer.socket.resume();
    await until(() => socket.bufferedAmount === 0);
  });

  test("it decreases as compressed messages leave, too", async () => {
    const { socket, witness } = await openWitnessed();
    expect(socket.extensions).toContain("permessage-deflate");
    const text = "compressible ".repeat(30_000);
    socket.send(text);
    socket.send("small");
    expect(socket.bufferedAmount).toBe(text.length + 5);
    await witness.until(() => witness.messages.length === 2);
    await until(() => socket.bufferedAmount === 0);
  });

  test("messages that are sent after closing has begun add to it permanently", async () => {
    const socket = await openEcho();
    socket.close();
    socket.send("123");
    expect(socket.bufferedAmount).toBe(3);
    await next(socket, "close");
    expect(socket.bufferedAmount).toBe(3);
    socket.send(new Uint8Array(4));
    socket.send(new Blob(["ab"]));
    await turns(3);
    expect(socket.bufferedAmount).toBe(9);
  });

  test("after the close event it counts the bytes that had not left by then", async () => {
    const gone = await openHeld();
    await turns(1);
    gone.socket.send("gone");
    await until(() => gone.socket.bufferedAmount === 0);
    gone.peer.socket.destroy();
    await next(gone.socket, "close");
    expect(gone.socket.bufferedAmount).toBe(0);

    const stuck = await openHeld();
    stuck.peer.socket.pause();
    stuck.socket.send(new Uint8Array(STUCK_BYTES));
    await turns(3);
    stuck.peer.socket.resetAndDestroy();
    await next(stuck.socket, "close");
    await turns(3);
    expect(stuck.socket.bufferedAmount).toBe(STUCK_BYTES);
  });

  test("messages that are cut off in the task that sent them count, too", async () => {
    const { socket, peer } = await openHeld();
    peer.socket.pause();
    const unreadable = new Blob(["12"]);
    unreadable.arrayBuffer = () => Promise.reject(new Error("The file is gone."));
    socket.send(new Uint8Array(STUCK_BYTES));
    socket.send(unreadable);
    await next(socket, "close");
    await turns(3);
    expect(socket.bufferedAmount).toBe(STUCK_BYTES + 2);
  });

  test("messages that wait for a Blob when the connection ends still count", async () => {
    const { socket, peer } = await openHeld();
    let read = (): void => {};
    const blob = new Blob(["12345"]);
    blob.arrayBuffer = () =>
      new Promise((resolve) => {
        read = () => resolve(new ArrayBuffer(5));
      });
    socket.send(blob);
    socket.send("abc");
    peer.socket.destroy();
    await next(socket, "close");
    expect(socket.bufferedAmount).toBe(8);
    read();
    await turns(3);
    expect(socket.bufferedAmount).toBe(8);
  });

  test("a send that throws does not count", async () => {
    const { socket } = await connecting();
    expect(() => socket.send("x")).toThrow();
    expect(socket.bufferedAmount).toBe(0);
    const open = openWebSocket("ws://127.0.0.1:1");
    open.close();
    open.send("x");
    expect(open.bufferedAmount).toBe(1);
  });
});
