import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import type { Peer, WebSocketServerOptions } from "../../../src/server/index.ts";
import { turns } from "../../rigs/clock/event-loop.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import { openWebSocket } from "../../../src/client/index.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";
import { runServer, Witness } from "../../rigs/sockets/run-server.ts";

/** A peer and its client, which reads on demand. */
async function peerAndClient(
  options: WebSocketServerOptions = {},
): Promise<{ peer: Peer; client: RawClient; witness: Witness }> {
  const witness = new Witness();
  const { port } = await runServer(witness, options);
  const client = await RawClient.upgrade(port);
  return { peer: await witness.opened(), client, witness };
}

/** Transfers the memory of `bytes`, so that it is detached here. */
function transfer(bytes: Uint8Array): void {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  expect(bytes.length).toBe(0);
}

/** Reads the next `size` bytes, without checking them. */
function bytesOf(socket: Socket, size: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let count = 0;
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      count += chunk.length;
      if (count >= size) resolve(Buffer.concat(chunks));
    });
    socket.resume();
  });
}

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

describe("sent bytes belong to the caller again", () => {
  test.each([100, 64 * 1024, 1024 * 1024])("%i of them may be transferred", async (size) => {
    const { peer, client } = await peerAndClient();
    const bytes = filled(size, 7);
    peer.send("before");
    peer.send(bytes);
    transfer(bytes);
    peer.send("behind");
    const [, frame, last] = await client.framesWhen(3);
    expect(Buffer.compare(frame!.payload, filled(size, 7))).toBe(0);
    expect(Buffer.from(last!.payload).toString()).toBe("behind");
  });

  test("even before the operating system has taken them all", async () => {
    const { peer, client } = await peerAndClient();
    client.socket.pause();
    const size = 24 * 1024 * 1024;
    const bytes = filled(size, 7);
    peer.send(bytes);
    await turns(3);
    expect(peer.bufferedAmount).toBeGreaterThan(0);
    transfer(bytes);
    // Freed memory is soon reused.
    const others = Array.from({ length: 4 }, () => filled(size, 9));
    const wire = await bytesOf(client.socket, size + 10);
    expect(Buffer.compare(wire.subarray(10), filled(size, 7))).toBe(0);
    expect(others).toHaveLength(4);
  });

  test("even while the thread pool compresses them, and those behind", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const socket = openWebSocket(url);
    socket.binaryType = "arraybuffer";
    const sizes: number[] = [];
    const received = new Promise<void>((resolve) => {
      socket.onmessage = ({ data }) => {
        const bytes = new Uint8Array(data as ArrayBuffer);
        expect(bytes.every((value) => value === 7)).toBe(true);
        if (sizes.push(bytes.length) === 2) resolve();
      };
    });
    const peer = await witness.opened();
    for (const size of [1024 * 1024, 50_000]) {
      const bytes = filled(size, 7);
      peer.send(bytes);
      transfer(bytes);
    }
    await received;
    expect(sizes).toEqual([1024 * 1024, 50_000]);
    socket.close();
    await next(socket, "close");
  });

  test("they may be resized, and are sent with their original length", async () => {
    const { peer, client } = await peerAndClient();
    // The types of the oldest supported Node do not include it.
    const Resizable = ArrayBuffer as unknown as new (
      size: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(size: number): void };
    const buffer = new Resizable(64 * 1024, { maxByteLength: 128 * 1024 });
    const bytes = new Uint8Array(buffer);
    peer.send(bytes.fill(7));
    buffer.resize(16);
    peer.send(buffer);
    buffer.resize(128 * 1024);
    peer.send("behind");
    const frames = await client.framesWhen(3);
    expect(frames.map(({ payload }) => payload.length)).toEqual([64 * 1024, 16, 6]);
  });

  test("they may be changed between two peers, and equal ones share one copy", async () => {
    const { peer, client } = await peerAndClient();
    const bytes = filled(64 * 1024, 1);
    peer.send(bytes);
    peer.send(bytes);
    bytes.fill(2);
    peer.send(bytes);
    const frames = await client.framesWhen(3);
    expect(frames.map(({ payload }) => payload.at(-1))).toEqual([1, 1, 2]);
  });

  test.each([
    ["shared memory", new SharedArrayBuffer(2)],
    ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(2))],
    ["a DataView of shared memory", new DataView(new SharedArrayBuffer(2))],
  ])("send throws a TypeError for %s, like a client", async (_, data) => {
    const { peer } = await peerAndClient();
    expect(() => peer.send(data as Uint8Array)).toThrow(TypeError);
    expect(peer.isOpen).toBe(true);
  });

  test("a detached buffer is an empty message", async () => {
    const { peer, client } = await peerAndClient();
    const view = new DataView(new ArrayBuffer(8));
    transfer(new Uint8Array(view.buffer));
    peer.send(view);
    const [frame] = await client.framesWhen(1);
    expect(frame).toMatchObject({ opcode: Opcode.Binary, payload: { length: 0 } });
  });
});

test("transferring frames before they are written ends that connection and no other", async () => {
  const witness = new Witness();
  const { port } = await runServer(witness);
  const client = await RawClient.upgrade(port);
  const peer = await witness.opened();
  const other = await RawClient.upgrade(port);
  await witness.until(() => witness.peer !== peer);
  const frames = peer.encodeText("x".repeat(100));
  peer.sendFrames(frames);
  witness.peer!.send("to the other");
  transfer(frames);
  expect(await witness.closed()).toMatchObject({ code: 1006, error: { code: "memory_gone" } });
  expect((await other.framesWhen(1))[0]).toMatchObject({ opcode: Opcode.Text });
  expect(client.socket.bytesRead).toBeLessThan(1000);
});
