import { randomBytes } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DeflateCompression, nodeByteOperations } from "../../../src/node/index.ts";
import type { CompressionOptions } from "../../../src/node/index.ts";
import type { DeflatedFrames } from "../../../src/node/deflate/deflated-frames.ts";
import { MAX_SHARED_BYTES } from "../../../src/node/deflate/limits.ts";
import { SyncZlib } from "../../../src/node/internals/sync-zlib.ts";
import { createDeflateContext } from "../../../src/node/deflate/zlib-context.ts";
import { encodeTextFrame, Opcode } from "../../../src/protocol/index.ts";
import { readFrames, type WireFrame } from "../../rigs/protocol/read-frames.ts";
import { fresh, kept } from "../../rigs/protocol/deflating-connection.ts";
import { referenceInflate } from "../../rigs/protocol/reference-inflate.ts";

// These tests are about the undocumented fast paths, even if the environment turns them off; the
// documented ones are tested in without-sync-zlib.test.ts.
vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => true,
}));

vi.mock(import("../../../src/node/deflate/zlib-context.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, createDeflateContext: vi.fn(original.createDeflateContext) };
});
afterEach(() => void vi.restoreAllMocks());

const RSV1 = 0x40;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const JSON_TEXT = JSON.stringify(
  Array.from({ length: 40 }, (_, index) => ({ device: `ap-${index}`, online: index % 3 > 0 })),
);

/** Longer than the kernel's maximum, so that zlib's context is used. */
const LONG_TEXT = JSON_TEXT.repeat(8);

function framesOf(compression: Partial<CompressionOptions> = {}, agreed = fresh): DeflatedFrames {
  return new DeflateCompression(compression).codec("server", agreed).frames!;
}

function frameOf(frames: DeflatedFrames, text: string): WireFrame {
  const all = readFrames(frames.encodeText(text));
  expect(all).toHaveLength(1);
  return all[0]!;
}

/** Inflates a frame's payload, as a peer with an empty window does. */
function inflated({ payload }: WireFrame): string {
  const whole = Buffer.concat([payload, TAIL]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

/** Hexadecimal digits without long repetitions. */
const noise = (length: number): string => randomBytes(length).toString("hex").slice(0, length);

describe("connections that share frames", () => {
  test("are all that have the same outgoing window, whatever they receive", () => {
    const compression = new DeflateCompression({ incomingContextTakeover: true });
    const first = compression.codec("server", fresh).frames!;
    const incoming = { ...fresh, clientNoContextTakeover: false, clientMaxWindowBits: 9 };
    expect(compression.codec("server", incoming).frames).toBe(first);
    expect(first.name).toBe("deflate15");
  });

  test("are not those with another window", () => {
    const compression = new DeflateCompression();
    const names = [8, 9, 15].map(
      (bits) => compression.codec("server", { ...fresh, serverMaxWindowBits: bits }).frames!.name,
    );
    expect(names).toEqual(["deflate8", "deflate9", "deflate15"]);
  });

  test("are not those with context takeover", () => {
    const compression = new DeflateCompression({ outgoingContextTakeover: true });
    expect(compression.codec("server", kept).frames).toBeUndefined();
  });

  test("include those that had no room for a context of their own", () => {
    const options = { outgoingContextTakeover: true, maxContextBytes: 1 };
    expect(framesOf(options, kept).name).toBe("deflate15");
  });
});

describe("a frame for many peers", () => {
  test("is a text message marked as compressed, without the tail, that inflates on its own (RFC 7692 §6, §7.2.1)", () => {
    const frames = framesOf();
    for (let count = 0; count < 3; count += 1) {
      const frame = frameOf(frames, JSON_TEXT);
      expect(frame).toMatchObject({ opcode: Opcode.Text, reservedBits: RSV1, fin: true });
      expect(Buffer.from(frame.payload.slice(-4)).equals(TAIL)).toBe(false);
      expect(inflated(frame)).toBe(JSON_TEXT);
      expect(frame.payload.length).toBeLessThan(JSON_TEXT.length / 3);
    }
  });

  test("is compressed from the threshold on, counted in bytes", () => {
    const frames = framesOf({ thresholdBytes: 100 });
    const texts = ["a".repeat(99), "a".repeat(100), "€".repeat(33), "€".repeat(34)];
    const seen = texts.map((text) => frameOf(frames, text).reservedBits);
    expect(seen).toEqual([0, RSV1, 0, RSV1]);
    expect(frameOf(framesOf(), "a".repeat(1023)).reservedBits).toBe(0);
  });

  test("is plain if that is not longer, and empty if the text is empty", () => {
    const frames = framesOf({ thresholdBytes: 0 });
    for (const text of ["", "a", "abc"]) {
      expect(frames.encodeText(text)).toEqual(encodeTextFrame(text, nodeByteOperations));
    }
  });

  test.each([
    ["at most 125 bytes", "a".repeat(2_000), 0, 125],
    ["more than 125", noise(2_000), 126, 0xffff],
    ["more than 65,535", noise(200_000), 0x1_0000, 200_000],
  ])("has the header for %s (RFC 6455 §5.2)", (_, text, least, most) => {
    const frame = frameOf(framesOf(), text);
    expect(frame.payload.length).toBeGreaterThanOrEqual(least);
    expect(frame.payload.length).toBeLessThanOrEqual(most);
    expect(frame.reservedBits).toBe(RSV1);
    expect(inflated(frame)).toBe(text);
  });

  test("stays valid while others are encoded", () => {
    const frames = framesOf();
    const texts = [JSON_TEXT, noise(3_000), noise(100_000)];
    const made = texts.map((text) => frames.encodeText(text));
    expect(made.map((frame) => inflated(readFrames(frame)[0]!))).toEqual(texts);
  });

  test("is plain above 256 KiB, which would block the event loop for too long", () => {
    const frames = framesOf();
    expect(frameOf(frames, "a".repeat(MAX_SHARED_BYTES)).reservedBits).toBe(RSV1);
    expect(frameOf(frames, "a".repeat(MAX_SHARED_BYTES + 1)).reservedBits).toBe(0);
    expect(frameOf(frames, "€".repeat(MAX_SHARED_BYTES / 2)).reservedBits).toBe(0);
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])(
    "refers back at most 2^%i bytes (RFC 7692 §7.1.2)",
    (bits) => {
      const frames = framesOf({}, { ...fresh, serverMaxWindowBits: bits });
      let farthest = 0;
      for (const distance of [200, 250, 256, 257, 2 ** bits - 262, 2 ** bits, 2 ** bits + 1]) {
        if (distance < 200) continue;
        const unit = noise(distance);
        const text = unit.repeat(Math.ceil((2 ** bits + 4_000) / distance));
        const inflation = referenceInflate(frameOf(frames, text).payload);
        expect(Buffer.from(inflation.bytes).toString()).toBe(text);
        farthest = Math.max(farthest, inflation.farthest);
      }
      expect(farthest).toBeLessThanOrEqual(2 ** bits);
      expect(farthest).toBeGreaterThan(2 ** (bits - 1) - 262);
    },
  );
});

describe("its context", () => {
  test("is shared by all texts and all short messages of all connections, and does not belong to a connection", () => {
    const compression = new DeflateCompression();
    const codecs = Array.from({ length: 20 }, () => compression.codec("server", fresh));
    vi.mocked(createDeflateContext).mockClear();
    for (const { frames, deflater } of codecs) {
      for (let count = 0; count < 5; count += 1) frames!.encodeText(LONG_TEXT);
      deflater.deflate(Buffer.from(LONG_TEXT), () => {});
    }
    expect(createDeflateContext).toHaveBeenCalledTimes(1);
    expect(compression.contextBytes).toBe(0);
  });

  test("is discarded when zlib fails; the text is sent uncompressed, and the next one is compressed", () => {
    const frames = framesOf();
    frames.encodeText(LONG_TEXT);
    vi.spyOn(SyncZlib.prototype, "run").mockReturnValueOnce({
      unreadBytes: 0,
      unusedBytes: 0,
      failed: true,
    });
    vi.mocked(createDeflateContext).mockClear();
    expect(frames.encodeText(LONG_TEXT)).toEqual(encodeTextFrame(LONG_TEXT, nodeByteOperations));
    expect(inflated(frameOf(frames, LONG_TEXT))).toBe(LONG_TEXT);
    expect(createDeflateContext).toHaveBeenCalledTimes(1);
  });
});
