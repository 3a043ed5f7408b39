import { randomBytes } from "node:crypto";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DeflateKernel,
  deflateKernel,
  KERNEL_FROM_BYTES,
  KERNEL_TO_BYTES,
} from "../../../src/node/deflate/deflate-kernel.ts";
import { plainDeflate, shortened } from "./plain-deflate.ts";
import { referenceInflate } from "../../rigs/protocol/reference-inflate.ts";

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const kernel = new DeflateKernel();

function inflated(message: Uint8Array): Uint8Array {
  const flush = { finishFlush: constants.Z_SYNC_FLUSH };
  return new Uint8Array(inflateRawSync(Buffer.concat([message, TAIL]), flush));
}

const json = (size: number): Uint8Array => {
  const rows: object[] = [];
  while (JSON.stringify(rows).length < size) {
    const { length } = rows;
    const noise = randomBytes(3).toString("hex");
    rows.push({ device: `ap-${noise}`, online: length % 3 > 0, clients: (length * 7919) % 80 });
  }
  return new Uint8Array(Buffer.from(JSON.stringify(rows))).slice(0, size);
};

/** Messages of few different bytes, of repeating pieces, of noise, of one byte. */
const messages = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .array(fc.integer({ min: 97, max: 101 }), { maxLength: 3000 })
    .map((all) => Uint8Array.from(all)),
  fc
    .array(fc.string({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 12 })
    .chain((pieces) => fc.array(fc.constantFrom(...pieces), { maxLength: 200 }))
    .map((all) => new Uint8Array(Buffer.from(all.join(""))).slice(0, KERNEL_TO_BYTES)),
  fc.integer({ min: 0, max: KERNEL_TO_BYTES }).map((size) => new Uint8Array(size).fill(97)),
);

/** Noise in which few bytes are very frequent and many are rare. */
function skewed(seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: 3000 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return 230 * (state / 2_147_483_648) ** 5;
  });
}

/**
 * Returns different bytes, each of which occurs more often than all rarer ones together but one, so
 * that the length of the optimal code grows with each. No four bytes occur twice within 256 bytes,
 * so that all are encoded as literals.
 */
function steep(size: number): Uint8Array {
  const counts = [1, 2];
  while (counts.length < size) counts.push(counts.at(-1)! + counts.at(-2)! + 1);
  const left = [...counts];
  const bytes: number[] = [];
  const isRepeat = (byte: number): boolean => {
    const last = [...bytes.slice(-3), byte];
    const within = bytes.slice(-259);
    return within.some((_, at) => last.every((one, n) => one === within[at + n]));
  };
  // Interleaved by the remaining number of each.
  const next = (): number | undefined =>
    [...left.keys()]
      .filter((byte) => left[byte]! > 0)
      .toSorted((a, b) => left[b]! / counts[b]! - left[a]! / counts[a]!)
      .find((byte) => !isRepeat(byte));
  for (let byte = next(); byte !== undefined; byte = next()) {
    left[byte]! -= 1;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

describe("the kernel", () => {
  test("has the output of its plain twin, byte by byte, which inflates to the message", () => {
    fc.assert(
      fc.property(messages, fc.integer({ min: 8, max: 15 }), (message, bits) => {
        const deflated = kernel.run(message, bits).slice();
        expect(deflated).toEqual(plainDeflate(message, 2 ** bits));
        expect(inflated(deflated)).toEqual(message);
        const { bytes, farthest } = referenceInflate(deflated);
        expect(bytes).toEqual(message);
        expect(farthest).toBeLessThanOrEqual(2 ** bits);
      }),
      { numRuns: 300 },
    );
  });

  test.each([8, 9, 10, 11, 12, 13])(
    "uses all of a window of 2^%i, and not more (RFC 7692 §7.1.2)",
    (bits) => {
      for (const distance of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        const unit = new Uint8Array(randomBytes(distance));
        const message = Buffer.concat([unit, unit]).subarray(0, KERNEL_TO_BYTES);
        const { farthest } = referenceInflate(kernel.run(message, bits));
        const isWithin = distance <= 2 ** bits && distance < message.length - 4;
        expect(farthest > 2 ** (bits - 1)).toBe(isWithin);
        expect(farthest).toBeLessThanOrEqual(2 ** bits);
      }
    },
  );

  test("keeps nothing: the output does not depend on earlier messages", () => {
    const common = json(KERNEL_TO_BYTES);
    for (let count = 0; count < 200; count += 1) {
      const size = KERNEL_FROM_BYTES + ((count * 991) % (KERNEL_TO_BYTES - KERNEL_FROM_BYTES));
      const message = common.slice(-size);
      expect(kernel.run(message, 15)).toEqual(new DeflateKernel().run(message, 15));
    }
  });

  test("the output is the same even after its position counter wraps", () => {
    const used = new DeflateKernel();
    const message = json(KERNEL_TO_BYTES);
    const expected = used.run(message, 15).slice();
    // A message of one byte value is the fastest, and the counter grows by its length.
    const filler = new Uint8Array(KERNEL_TO_BYTES);
    for (let places = 0; places < 0x3fff0000 + 10 * KERNEL_TO_BYTES; places += KERNEL_TO_BYTES) {
      used.run(filler, 15);
      if (places > 0x3fff0000 - 10 * KERNEL_TO_BYTES)
        expect(used.run(message, 15)).toEqual(expected);
    }
  });

  test("limits the codes of code lengths to 7 bits, where the optimal ones are longer (RFC 1951 §3.2.7)", () => {
    shortened[7] = 0;
    for (let seed = 1; seed <= 100; seed += 1) {
      const message = skewed(seed);
      const deflated = kernel.run(message, 15).slice();
      expect(deflated).toEqual(plainDeflate(message, 2 ** 15));
      expect(inflated(deflated)).toEqual(message);
    }
    expect(shortened[7]).toBeGreaterThan(0);
  });

  test.each([
    { size: 15, isLimited: 0 },
    { size: 16, isLimited: 1 },
  ])(
    "limits the codes of bytes to 15 bits, where $size bytes would need one more (RFC 1951 §3.2.7)",
    ({ size, isLimited }) => {
      const message = steep(size);
      expect(message.length).toBeLessThanOrEqual(KERNEL_TO_BYTES);
      shortened[15] = 0;
      const deflated = kernel.run(message, 8).slice();
      expect(deflated).toEqual(plainDeflate(message, 2 ** 8));
      expect(shortened[15]).toBe(isLimited);
      expect(inflated(deflated)).toEqual(message);
      const { bytes, farthest } = referenceInflate(deflated);
      expect(bytes).toEqual(message);
      expect(farthest).toBe(0);
    },
  );

  test("is within a hundredth of the length of zlib's level 6", () => {
    for (const size of [KERNEL_FROM_BYTES, 1150, 2000, 4096, KERNEL_TO_BYTES]) {
      const message = json(size);
      const byZlib = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).length - 4;
      expect(kernel.run(message, 15).length).toBeLessThanOrEqual(byZlib * 1.01 + 2);
    }
  });

  test("reads only the message of the given length", () => {
    expect(() => kernel.run(new Uint8Array(KERNEL_TO_BYTES + 1), 15)).toThrow(RangeError);
  });

  test("has one instance per process", () => {
    expect(deflateKernel()).toBeInstanceOf(DeflateKernel);
    expect(deflateKernel()).toBe(deflateKernel());
  });
});
