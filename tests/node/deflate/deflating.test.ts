import { randomBytes } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { DeflateCompression, compressionOf } from "../../../src/node/index.ts";
import { Opcode, type Role } from "../../../src/protocol/index.ts";
import { bytes, frameTo, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { roles } from "../../rigs/protocol/open-connection.ts";
import type { WireFrame } from "../../rigs/protocol/read-frames.ts";
import { DeflatingConnection, fresh, kept } from "../../rigs/protocol/deflating-connection.ts";
import { referenceInflate } from "../../rigs/protocol/reference-inflate.ts";

// These tests are about the undocumented fast paths, even if the environment turns them off; the
// documented ones are tested in without-sync-zlib.test.ts.
vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => true,
}));

const RSV1 = 0x40;
const MIB = 1024 * 1024;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const JSON_TEXT = JSON.stringify(
  Array.from({ length: 40 }, (_, index) => ({ device: `ap-${index}`, online: index % 3 > 0 })),
);

/** Inflates a frame's payload, as a peer with an empty window does. */
function inflated({ payload }: WireFrame): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** Returns text without repetitions at less than `distance`. */
function repeating(distance: number, times: number): Uint8Array {
  const unit = randomBytes(distance);
  return new Uint8Array(Buffer.concat(Array.from({ length: times }, () => unit)));
}

const other = (role: Role): Role => (role === "server" ? "client" : "server");

describe.each(roles)("a %s compresses", (role) => {
  test("a message of at least the threshold is compressed and marked with RSV1 (RFC 7692 §6)", () => {
    const open = new DeflatingConnection(role, { compression: { thresholdBytes: 100 } });
    open.connection.sendText("a".repeat(99));
    open.connection.sendText("a".repeat(100));
    open.connection.sendBinary(new Uint8Array(99));
    open.connection.sendBinary(new Uint8Array(100));
    const frames = open.sentFrames();
    expect(frames.map(({ reservedBits }) => reservedBits)).toEqual([0, RSV1, 0, RSV1]);
    expect(frames.map(({ opcode }) => opcode)).toEqual([1, 1, 2, 2]);
  });

  test("the threshold counts bytes, not UTF-16 code units", () => {
    const open = new DeflatingConnection(role, { compression: { thresholdBytes: 100 } });
    open.connection.sendText("€".repeat(33));
    open.connection.sendText("€".repeat(34));
    expect(open.sentFrames().map(({ reservedBits }) => reservedBits)).toEqual([0, RSV1]);
  });

  test("nothing below 1 KiB is compressed by default, and JSON above it becomes less than a third", () => {
    const open = new DeflatingConnection(role);
    open.connection.sendText("a".repeat(1023));
    open.connection.sendText(JSON_TEXT);
    const [short, long] = open.sentFrames();
    expect(short!.reservedBits).toBe(0);
    expect(long!.payload.length).toBeLessThan(JSON_TEXT.length / 3);
  });

  test("the tail is not sent, and the message inflates with it (RFC 7692 §7.2.1)", () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    open.connection.sendText(JSON_TEXT);
    const [frame] = open.sentFrames();
    expect(Buffer.from(frame!.payload.slice(-4)).equals(TAIL)).toBe(false);
    expect(inflated(frame!).toString()).toBe(JSON_TEXT);
    expect(Buffer.from(referenceInflate(frame!.payload).bytes).toString()).toBe(JSON_TEXT);
  });

  test("each message is compressed on its own without context takeover (RFC 7692 §7.1.1)", () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    for (let count = 0; count < 3; count += 1) open.connection.sendText(JSON_TEXT);
    for (const frame of open.sentFrames()) expect(inflated(frame).toString()).toBe(JSON_TEXT);
  });

  test("with context takeover, a message like the previous one becomes very short", () => {
    const open = new DeflatingConnection(role, {
      agreed: kept,
      compression: { outgoingContextTakeover: true },
    });
    for (let count = 0; count < 3; count += 1) open.connection.sendText(JSON_TEXT);
    const [first, second, third] = open.sentFrames();
    expect(first!.payload.length).toBeGreaterThan(100);
    expect(second!.payload.length).toBeLessThan(40);
    expect(third!.payload.length).toBeLessThan(40);
  });

  test("without context takeover, a message that would not become shorter is sent uncompressed", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    const noise = new Uint8Array(randomBytes(2000));
    const long = new Uint8Array(randomBytes(100_000));
    open.connection.sendBinary(noise);
    open.connection.sendBinary(long);
    const frames = await open.sent(2);
    expect(frames.map(({ reservedBits }) => reservedBits)).toEqual([0, 0]);
    expect(frames[0]!.payload).toEqual(noise);
    expect(frames[1]!.payload).toEqual(long);
  });

  test("with context takeover, it is sent compressed, to keep the peer's window in step", () => {
    const open = new DeflatingConnection(role, { agreed: kept });
    open.connection.sendBinary(new Uint8Array(randomBytes(2000)));
    expect(open.sentFrames()[0]!.reservedBits).toBe(RSV1);
  });

  test("a message with compress: false is not compressed", () => {
    const open = new DeflatingConnection(role);
    open.connection.sendText(JSON_TEXT, false);
    open.connection.sendBinary(utf8(JSON_TEXT), false);
    expect(open.sentFrames().map(({ reservedBits }) => reservedBits)).toEqual([0, 0]);
  });

  test("an empty message is not compressed, even with a threshold of 0", () => {
    const open = new DeflatingConnection(role, { compression: { thresholdBytes: 0 } });
    open.connection.sendText("");
    open.connection.sendText("a");
    open.connection.sendBinary(new Uint8Array(0));
    const frames = open.sentFrames();
    expect(frames.map(({ payload }) => payload.length)).toEqual([0, expect.any(Number), 0]);
    expect(frames[0]!.reservedBits).toBe(0);
    expect(frames[2]!.reservedBits).toBe(0);
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])(
    "references go back at most 2^%i bytes (RFC 7692 §7.1.2)",
    (bits) => {
      const agreed = { ...kept, serverMaxWindowBits: bits, clientMaxWindowBits: bits };
      const open = new DeflatingConnection(role, { agreed });
      const seen: number[] = [];
      let farthest = 0;
      // Repetitions near, at and beyond the window, so that all legal distances occur.
      for (const distance of [200, 250, 256, 257, 2 ** bits - 262, 2 ** bits, 2 ** bits + 1]) {
        if (distance < 200) continue;
        const size = 2 ** bits + 4000;
        const message = repeating(distance, Math.ceil(size / distance)).slice(0, size);
        open.connection.sendBinary(message);
        const [frame] = open.sentFrames();
        const inflation = referenceInflate(frame!.payload, seen);
        expect(inflation.bytes).toEqual(message);
        farthest = Math.max(farthest, inflation.farthest);
        seen.push(...message);
        seen.splice(0, Math.max(0, seen.length - 32_768));
      }
      expect(farthest).toBeLessThanOrEqual(2 ** bits);
      expect(farthest).toBeGreaterThan(2 ** (bits - 1) - 262);
    },
  );

  test("long messages are compressed asynchronously, and everything is sent in order", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    const long = JSON_TEXT.repeat(500);
    const { connection } = open;
    connection.sendText("before");
    connection.sendText(long);
    connection.sendText("behind");
    connection.sendBinary(bytes(5));
    connection.sendFragment("text", utf8("in "), false);
    connection.sendFragment("text", utf8("two"), true);
    connection.sendText(long);
    connection.close(1000, "done");
    // Compressing it synchronously would block the event loop.
    expect(open.sentFrames().map(({ payload }) => Buffer.from(payload).toString())).toEqual([
      "before",
    ]);
    expect(connection.pendingBytes).toBeGreaterThan(2 * long.length);
    const frames = await open.sent(7);
    expect(frames.map(({ opcode }) => opcode)).toEqual([1, 1, 2, 1, 0, 1, 8]);
    expect(inflated(frames[0]!).toString()).toBe(long);
    expect(Buffer.from(frames[1]!.payload).toString()).toBe("behind");
    expect(inflated(frames[5]!).toString()).toBe(long);
    expect(connection.pendingBytes).toBe(0);
  });

  test("pongs overtake a long message that is being compressed", () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    open.connection.sendText(JSON_TEXT.repeat(500));
    open.connection.receive(frameTo(role, { opcode: Opcode.Ping, payload: utf8("?") }));
    expect(open.sentFrames().map(({ opcode }) => opcode)).toEqual([Opcode.Pong]);
  });

  test("with context takeover, long messages become part of the window", async () => {
    const open = new DeflatingConnection(role, { agreed: kept });
    const reader = new DeflatingConnection(other(role), { agreed: kept });
    const long = JSON_TEXT.repeat(500);
    open.connection.sendText(long);
    open.connection.sendText(JSON_TEXT);
    open.connection.sendText(long);
    for (const { opcode, payload, reservedBits } of await open.sent(3)) {
      reader.connection.receive(frameTo(other(role), { opcode, payload, reservedBits }));
    }
    await reader.until(() => reader.seen.texts.length === 3);
    expect(reader.seen.texts).toEqual([long, JSON_TEXT, long]);
  });
});

test("a client's bytes belong to the caller again when send returns, even for a long message", async () => {
  const open = new DeflatingConnection("client", { agreed: fresh });
  const first = new Uint8Array(200_000).fill(1);
  const second = new Uint8Array(10).fill(2);
  open.connection.sendBinary(first);
  open.connection.sendBinary(second);
  first.fill(9);
  second.fill(9);
  const frames = await open.sent(2);
  expect(new Set(inflated(frames[0]!))).toEqual(new Set([1]));
  expect(new Set(frames[1]!.payload)).toEqual(new Set([2]));
});

test("if the peer closes while a long message is compressed, the reply follows the message", async () => {
  const open = new DeflatingConnection("server", { agreed: fresh });
  open.connection.sendText(JSON_TEXT.repeat(500));
  open.connection.sendText("behind");
  open.connection.receive(frameTo("server", { opcode: Opcode.Close }));
  expect(open.connection.isOpen).toBe(false);
  expect(open.seen.kinds).toEqual(["peer-close"]);
  const frames = await open.sent(3);
  expect(frames.map(({ opcode }) => opcode)).toEqual([1, 1, Opcode.Close]);
  await open.event("finished");
  expect(open.connection.state).toBe("finished");
});

test("if the transport ends before that, the end is not clean", () => {
  const open = new DeflatingConnection("server", { agreed: fresh });
  open.connection.sendText(JSON_TEXT.repeat(500));
  open.connection.receive(frameTo("server", { opcode: Opcode.Close }));
  open.connection.transportEnded();
  expect(open.connection.state).toBe("failed");
});

test("if the peer breaks the protocol meanwhile, only the Close frame is sent", () => {
  const open = new DeflatingConnection("server", { agreed: fresh });
  open.connection.sendText(JSON_TEXT.repeat(500));
  open.connection.close(1000);
  open.connection.receive(frameTo("server", { opcode: 3 }));
  const frames = open.sentFrames();
  expect(frames.map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
  expect([...frames[0]!.payload]).toEqual([0x03, 0xea]);
  expect(open.seen.kinds).toEqual(["failed", "finished"]);
});

test("if both close while a long message is compressed, this end's Close frame is still sent", async () => {
  const open = new DeflatingConnection("server", { agreed: fresh });
  open.connection.sendText(JSON_TEXT.repeat(500));
  open.connection.close(1001);
  open.connection.receive(frameTo("server", { opcode: Opcode.Close }));
  const frames = await open.sent(2);
  expect(frames.map(({ opcode }) => opcode)).toEqual([1, Opcode.Close]);
  expect([...frames[1]!.payload]).toEqual([0x03, 0xe9]);
  await open.event("finished");
});

describe("the memory of contexts", () => {
  test("without takeover, no connection has one", () => {
    const compression = new DeflateCompression();
    const { connection } = new DeflatingConnection("server", { compression, agreed: fresh });
    connection.sendText(JSON_TEXT);
    expect(compression.contextBytes).toBe(0);
  });

  test("with takeover, each connection is charged, and refunded once", () => {
    const compression = new DeflateCompression({
      outgoingContextTakeover: true,
      incomingContextTakeover: true,
    });
    const { connection } = new DeflatingConnection("server", { compression, agreed: kept });
    expect(compression.contextBytes).toBeGreaterThan(256 * 1024);
    connection.transportEnded();
    connection.transportEnded();
    expect(compression.contextBytes).toBe(0);
  });

  test("beyond the limit, connections work without takeover", () => {
    const compression = new DeflateCompression({
      outgoingContextTakeover: true,
      incomingContextTakeover: true,
      maxContextBytes: MIB,
    });
    const offer = [{ name: "permessage-deflate", parameters: [] }];
    const answers = Array.from({ length: 5 }, () => {
      const { parameters } = compression.accept(offer)!;
      const { connection } = new DeflatingConnection("server", { compression, agreed: parameters });
      return connection.isOpen && parameters.serverNoContextTakeover;
    });
    expect(answers).toEqual([false, false, false, true, true]);
    expect(compression.contextBytes).toBeLessThanOrEqual(MIB);
  });

  test("if many agreed to takeover while there was room, those beyond the limit send without it", () => {
    const compression = new DeflateCompression({
      outgoingContextTakeover: true,
      maxContextBytes: MIB,
    });
    const agreed = { ...kept, clientNoContextTakeover: true };
    const lengths = Array.from({ length: 5 }, () => {
      const open = new DeflatingConnection("server", { compression, agreed });
      open.connection.sendText(JSON_TEXT);
      open.connection.sendText(JSON_TEXT);
      return open.sentFrames()[1]!.payload.length;
    });
    expect(lengths.map((length) => length < 40)).toEqual([true, true, true, false, false]);
    expect(compression.contextBytes).toBeLessThanOrEqual(MIB);
  });

  test.each([
    [{ level: 0 }, "invalid_limit"],
    [{ level: 10 }, "invalid_compression"],
    [{ memLevel: 10 }, "invalid_compression"],
    [{ outgoingWindowBits: 7 }, "invalid_compression"],
    [{ incomingWindowBits: 16 }, "invalid_compression"],
    [{ thresholdBytes: -1 }, "invalid_limit"],
    [{ thresholdBytes: "1k" as unknown as number }, "invalid_limit"],
    [{ maxContextBytes: 0.5 }, "invalid_limit"],
  ])("%j is rejected as %s", (options, code) => {
    expect(() => new DeflateCompression(options)).toThrow(expect.objectContaining({ code }));
  });
});

test("one DeflateCompression for several owners is one limit for all of them", () => {
  const shared = new DeflateCompression({ outgoingContextTakeover: true, maxContextBytes: MIB });
  expect(compressionOf(shared)).toBe(shared);
  expect(compressionOf(true)).not.toBe(compressionOf(true));
  expect(compressionOf(false)).toBe(undefined);
});
