import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { Ledger } from "../../src/base/index.ts";
import { Opcode } from "../../src/protocol/index.ts";
import type { Endpoint, Peer } from "../../src/server/index.ts";
import { closePayload, joinBytes, maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import { echo, runServer, Witness } from "../rigs/sockets/run-server.ts";
import { VirtualClock } from "../rigs/clock/virtual-clock.ts";
import { runOver, transports, WirePeer } from "../rigs/sockets/wire-peer.ts";

const MIB = 1024 * 1024;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each(transports)("a peer that never reads, over %s", (transport) => {
  test("is cut off at maxBufferedBytes while the application sends, and memory stays bounded", async () => {
    const witness = new Witness();
    const maxBufferedBytes = 2 * MIB;
    const running = await runOver(transport, witness, { maxBufferedBytes, compression: false });
    const wire = await WirePeer.open(transport, running);
    wire.stream.pause();
    const peer = await witness.opened();
    let largest = 0;
    let sends = 0;
    const message = new Uint8Array(256 * 1024);
    // Without the limit, this would be half a gigabyte.
    for (; sends < 2_000 && peer.send(message); sends += 1) {
      largest = Math.max(largest, peer.bufferedAmount);
      await nextTurn();
    }
    expect(sends).toBeLessThan(2_000);
    expect(largest).toBeLessThanOrEqual(maxBufferedBytes + message.length + 64);
    expect((await witness.closed()).error).toMatchObject({ code: "too_slow" });
    expect(peer.send(message)).toBe(false);
  });

  test("makes the server stop reading when echoes are unsent, and they wait as long as necessary", async () => {
    let received = 0;
    let largest = 0;
    const stopReadingBytes = 64 * 1024;
    const endpoint: Endpoint = {
      onMessage: (peer, message) => {
        received += 1;
        peer.send(message);
        largest = Math.max(largest, peer.bufferedAmount);
      },
    };
    const running = await runOver(transport, endpoint, { stopReadingBytes });
    const wire = await WirePeer.open(transport, running);
    wire.stream.pause();
    const frame = maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(125) });
    const segment = joinBytes(Array<Uint8Array>(1_000).fill(frame));
    let sent = 0;
    // Until the buffers at both ends are full, and the server has stopped reading.
    for (; wire.stream.writableLength < 4 * MIB && sent < 2_000_000; sent += 1_000) {
      wire.write(segment);
      await nextTurn();
    }
    expect(sent).toBeLessThan(2_000_000);
    expect(received).toBeLessThan(sent);
    // The data of one read is added.
    expect(largest).toBeLessThan(stopReadingBytes + 256 * 1024);
    wire.stream.resume();
    await wire.until(() => wire.receivedBytes >= sent * 127);
    expect(received).toBe(sent);
  });

  test("costs one pong, whatever it pings, and the latest ping is answered when it reads", async () => {
    const count = 200_000;
    let pings = 0;
    let largest = 0;
    const endpoint: Endpoint = {
      onPing: (peer) => {
        pings += 1;
        largest = Math.max(largest, peer.bufferedAmount);
      },
    };
    const running = await runOver(transport, endpoint);
    const wire = await WirePeer.open(transport, running);
    wire.stream.pause();
    const ping = (fill: number): Uint8Array =>
      maskedFrame({ opcode: Opcode.Ping, payload: new Uint8Array(125).fill(fill) });
    const segment = joinBytes(Array<Uint8Array>(1_000).fill(ping(1)));
    for (let sent = 0; sent < count; sent += 1_000) {
      await writeTo(wire.stream, segment);
    }
    await writeTo(wire.stream, ping(2));
    await vi.waitFor(() => expect(pings).toBe(count + 1), { timeout: 30_000 });
    expect(largest).toBeLessThan(512 * 1024);
    let latest: number | undefined;
    wire.stream.on("data", (chunk: Uint8Array) => (latest = chunk.at(-1)));
    wire.stream.resume();
    await vi.waitFor(() => expect(latest).toBe(2), { timeout: 30_000 });
    expect(wire.receivedBytes).toBeLessThan(count * 127);
  });
});

/** Waits until the stream has taken the bytes. */
function writeTo(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => stream.write(bytes, () => resolve()));
}

describe.each(transports)("a peer of an application that does not read, over %s", (transport) => {
  /** Returns how many octets the server has read on the connection of `request`. */
  function readBytes(incoming: IncomingMessage | { session?: unknown }): number {
    const { session } = incoming as { session?: { socket: Socket } };
    return session === undefined
      ? (incoming as IncomingMessage).socket.bytesRead
      : session.socket.bytesRead;
  }

  test.each<[string, (peer: Peer) => void | Promise<void>]>([
    ["pauses", (peer) => peer.pause()],
    ["never finishes with a message", () => new Promise<void>(() => {})],
  ])("%s: its data stays with it", async (_, onMessage) => {
    let read = (): number => 0;
    let delivered = 0;
    const endpoint: Endpoint = {
      onOpen: (_peer, { incoming }) => (read = () => readBytes(incoming)),
      onMessage: (peer) => {
        delivered += 1;
        return onMessage(peer);
      },
    };
    const running = await runOver(transport, endpoint);
    const wire = await WirePeer.open(transport, running);
    const message = maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(100_000) });
    let sent = 0;
    for (; wire.stream.writableLength < 4 * MIB && sent < 400 * MIB; sent += message.length) {
      wire.write(message);
      await nextTurn();
    }
    expect(sent).toBeLessThan(400 * MIB);
    expect(delivered).toBe(1);
    // Several messages, which streams read ahead; HTTP/2's window is 64 KiB.
    expect(read()).toBeLessThan(2 * MIB);
  });
});

describe.each(transports)("every kind of end, over %s", (transport) => {
  const half = maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(90_000) }).slice(
    0,
    50_000,
  );

  test("FIN without Close, between frames and inside one: 1006", async () => {
    for (const bytes of [new Uint8Array(0), half, half.subarray(0, 3)]) {
      const witness = new Witness();
      const running = await runOver(transport, witness);
      const wire = await WirePeer.open(transport, running);
      wire.stream.end(bytes);
      expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
      await wire.closed();
      expect(running.server.peers.size).toBe(0);
    }
  });

  test("a reset inside a frame: 1006, and the memory of the frame is released", async () => {
    const witness = new Witness();
    // Room for one such frame only.
    const limits = { maxMessageBytes: 100_000, maxUnfinishedBytes: 100_000 };
    const running = await runOver(transport, witness, limits);
    for (let round = 1; round <= 3; round += 1) {
      const wire = await WirePeer.open(transport, running);
      wire.write(maskedFrame({ opcode: Opcode.Ping }));
      wire.write(half);
      await wire.framesWhen(1);
      if (wire.stream instanceof Socket && transport === "TCP") wire.stream.resetAndDestroy();
      else wire.stream.destroy();
      await witness.until(() => witness.closures.length === round);
      expect(witness.closures.at(-1)).toMatchObject({ code: 1006, wasClean: false });
    }
    const wire = await WirePeer.open(transport, running);
    wire.write(maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(100_000) }));
    await witness.until(() => witness.messages.length === 1);
    expect(running.server.peers.size).toBe(1);
  });

  test("both ends close simultaneously: each receives the other's code, and it is clean", async () => {
    const witness = new Witness();
    const running = await runOver(transport, witness);
    const wire = await WirePeer.open(transport, running);
    const peer = await witness.opened();
    peer.close(4001, "ours");
    wire.write(maskedFrame({ opcode: Opcode.Close, payload: closePayload(4002, utf8("theirs")) }));
    const frames = await wire.framesWhen(1);
    expect(frames.map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
    expect(wire.closeCode).toBe(4001);
    wire.stream.end();
    expect(await witness.closed()).toMatchObject({ code: 4002, reason: "theirs", wasClean: true });
  });

  test("pings, messages and closes during closing are read and not answered", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const running = await runOver(transport, witness, { clock });
    const wire = await WirePeer.open(transport, running);
    const peer = await witness.opened();
    peer.close();
    const ping = maskedFrame({ opcode: Opcode.Ping });
    const message = maskedFrame({ opcode: Opcode.Text, payload: utf8("late") });
    const close = maskedFrame({ opcode: Opcode.Close, payload: closePayload(1000) });
    wire.write(joinBytes([ping, message, ping, close, close, ping, message]));
    wire.stream.end();
    expect(await witness.closed()).toMatchObject({ code: 1000, wasClean: true });
    await wire.closed();
    expect(wire.frames.map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
    expect(witness.messages).toEqual([]);
  });

  test("a peer that keeps sending instead of closing is cut off after closeTimeoutMs", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const running = await runOver(transport, witness, { clock });
    const wire = await WirePeer.open(transport, running);
    const peer = await witness.opened();
    peer.close();
    await wire.framesWhen(1);
    const ping = maskedFrame({ opcode: Opcode.Ping });
    for (let second = 0; second < 11; second += 1) {
      wire.write(ping);
      clock.advance(1_000);
      await nextTurn();
    }
    expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
    await wire.closed();
    expect(wire.frames).toHaveLength(1);
  });

  test("a peer that broke the protocol and keeps sending is cut off, too", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const running = await runOver(transport, witness, { clock });
    const wire = await WirePeer.open(transport, running);
    wire.write(maskedFrame({ opcode: 0x3 }));
    await wire.framesWhen(1);
    const message = maskedFrame({ opcode: Opcode.Text, payload: utf8("late") });
    for (let second = 0; second < 11; second += 1) {
      if (wire.stream.writable) wire.write(message);
      clock.advance(1_000);
      await nextTurn();
    }
    expect((await witness.closed()).error).toMatchObject({ code: "reserved_opcode" });
    expect(witness.messages).toEqual([]);
  });
});

describe.each(transports)("ten thousand pings in one segment, over %s", (transport) => {
  const COUNT = 10_000;
  const numbered = (index: number): Uint8Array => utf8(String(index).padStart(5, "0"));

  test("are answered with ten thousand pongs, in order, and a later message with its echo", async () => {
    const running = await runOver(transport, echo);
    const wire = await WirePeer.open(transport, running);
    const pings = Array.from({ length: COUNT }, (_, index) =>
      maskedFrame({ opcode: Opcode.Ping, payload: numbered(index) }),
    );
    const last = maskedFrame({ opcode: Opcode.Text, payload: utf8("last") });
    wire.write(joinBytes([...pings, last]));
    await wire.until(() => wire.receivedBytes >= COUNT * 7 + 6);
    const { frames } = wire;
    expect(frames).toHaveLength(COUNT + 1);
    const wrong = frames
      .slice(0, COUNT)
      .findIndex(
        ({ opcode, payload }, index) =>
          opcode !== Opcode.Pong || !Buffer.from(payload).equals(numbered(index)),
      );
    expect(wrong).toBe(-1);
    expect(frames.at(-1)).toMatchObject({ opcode: Opcode.Text, payload: utf8("last") });
  });
});

test("a peer that does not read for long is not considered dead while it sends pings (field note 22)", async () => {
  const clock = new VirtualClock();
  const witness = new Witness();
  const running = await runServer(witness, { clock, stopReadingBytes: 1_000 });
  const wire = await WirePeer.open("TCP", running);
  wire.stream.pause();
  const peer = await witness.opened();
  peer.send(new Uint8Array(16 * MIB), { compress: false });
  await nextTurn();
  for (let interval = 0; interval < 5; interval += 1) clock.advance(31_000);
  expect(witness.closures).toEqual([]);
  wire.stream.resume();
  await wire.until(() => wire.receivedBytes >= 16 * MIB);
});

test("peers of one address that each leave an unfinished message share one limit", async () => {
  const PEERS = 300;
  const ledger = new Ledger({ shareBytes: 2 * MIB });
  const running = await runServer(new Witness(), { maxMessageBytes: MIB, ledger });
  const part = maskedFrame({ opcode: Opcode.Binary, fin: false, payload: new Uint8Array(30_000) });
  const wires = await Promise.all(
    Array.from({ length: PEERS }, () => WirePeer.open("TCP", running)),
  );
  for (const wire of wires) wire.write(joinBytes([part, maskedFrame({ opcode: Opcode.Ping })]));
  for (const wire of wires) await wire.framesWhen(1);
  const refused = wires.filter((wire) => wire.closeCode === 1013);
  expect(PEERS - refused.length).toBe(Math.floor((2 * MIB) / 30_000));
});
