import { describe, expect, test } from "vitest";
import { mask } from "../../../src/protocol/frames/masking.ts";
import { freshMaskingKey } from "../../../src/protocol/frames/masking-keys.ts";
import { bytes } from "../../rigs/protocol/masked-frame.ts";
import { openClientConnection, openServerConnection } from "../../rigs/protocol/open-connection.ts";

const KEY = 0x81_7f_03_c4;
const MARGIN = 5;

/** Octet i of the payload is XORed with octet i modulo 4 of the key. (RFC 6455 §5.3) */
function naive(payload: Uint8Array, key: number, phase: number): Uint8Array {
  const octets = [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255];
  return payload.map((octet, index) => octet ^ octets[(index + phase) % 4]!);
}

describe("masking (RFC 6455 §5.3)", () => {
  test("gives the RFC's example of a masked Hello (RFC 6455 §5.7)", () => {
    const { connection, seen } = openServerConnection();
    connection.receive(
      Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58),
    );
    expect(seen.events).toEqual([{ kind: "text", text: "Hello", ascii: true }]);
  });

  test.each([0, 1, 2, 3])(
    "equals octet-wise XOR for lengths 0..300 at every alignment, phase %i (RFC 6455 §5.3)",
    (phase) => {
      for (let alignment = 0; alignment < 4; alignment += 1) {
        // Including a view that does not start at a word.
        for (const viewAt of [0, 1, 3]) {
          for (let length = 0; length <= 300; length += 1) {
            const buffer = new ArrayBuffer(viewAt + alignment + length + MARGIN);
            const target = new Uint8Array(buffer, viewAt).fill(0x5a);
            const payload = bytes(length);
            target.set(payload, alignment);
            mask(target, alignment, alignment + length, KEY, phase);
            const expected = new Uint8Array(target.length).fill(0x5a);
            expected.set(naive(payload, KEY, phase), alignment);
            if (Buffer.compare(target, expected) !== 0) {
              expect.fail(`alignment ${alignment}, view at ${viewAt}, length ${length}`);
            }
          }
        }
      }
    },
  );

  test("masking twice with the same key restores the payload, in pieces or whole (RFC 6455 §5.3)", () => {
    const payload = bytes(1000);
    for (const cut of [0, 1, 2, 3, 97, 98, 99, 500, 999]) {
      const octets = payload.slice();
      mask(octets, 0, octets.length, KEY, 0);
      mask(octets, 0, cut, KEY, 0);
      mask(octets, cut, octets.length, KEY, cut & 3);
      expect(Buffer.compare(octets, payload)).toBe(0);
    }
  });

  test("mask reports whether the result has an octet above 0x7f, at any position (RFC 6455 §8.1)", () => {
    for (const length of [1, 5, 95, 96, 97, 111, 112, 200]) {
      for (let at = 0; at < length; at += 1) {
        for (const alignment of [0, 1, 2, 3]) {
          const clear = new Uint8Array(length).fill(0x61);
          const buffer = new Uint8Array(length + alignment);
          buffer.set(naive(clear, KEY, 1), alignment);
          expect(mask(buffer, alignment, alignment + length, KEY, 1)).toBeLessThan(0x80);
          clear[at] = 0xc3;
          buffer.set(naive(clear, KEY, 1), alignment);
          expect(mask(buffer, alignment, alignment + length, KEY, 1)).toBeGreaterThanOrEqual(0x80);
        }
      }
    }
  });
});

describe("masking keys (RFC 6455 §5.3, §10.3)", () => {
  test("a client masks every frame with a fresh key (RFC 6455 §5.3)", () => {
    const { connection, sentFrames } = openClientConnection();
    for (let sent = 0; sent < 3000; sent += 1) {
      if (sent % 3 === 0) connection.sendText("x");
      else if (sent % 3 === 1) connection.sendBinary(Uint8Array.of(1));
      else connection.sendPing(new Uint8Array(0));
    }
    const keys = sentFrames().map(({ key }) => Buffer.from(key!).toString("hex"));
    expect(keys).toHaveLength(3000);
    // One pair of equal keys among 3000 random ones occurs once in a thousand runs, three pairs
    // never.
    expect(new Set(keys).size).toBeGreaterThan(2997);
  });

  test("all four octets of the keys vary, and no bit is stuck (RFC 6455 §10.3)", () => {
    const octets = [new Set<number>(), new Set<number>(), new Set<number>(), new Set<number>()];
    const setBits = new Uint32Array(32);
    const count = 4096;
    for (let drawn = 0; drawn < count; drawn += 1) {
      const key = freshMaskingKey();
      for (let octet = 0; octet < 4; octet += 1) octets[octet]!.add((key >>> (octet * 8)) & 0xff);
      for (let bit = 0; bit < 32; bit += 1) setBits[bit]! += (key >>> bit) & 1;
    }
    for (const values of octets) expect(values.size).toBeGreaterThan(240);
    for (const set of setBits) {
      expect(set).toBeGreaterThan(count * 0.4);
      expect(set).toBeLessThan(count * 0.6);
    }
  });

  test("a key does not predict the next: differences do not repeat (RFC 6455 §10.3)", () => {
    const keys = Array.from({ length: 2048 }, freshMaskingKey);
    const steps = new Set(keys.slice(1).map((key, index) => (key - keys[index]!) >>> 0));
    expect(steps.size).toBeGreaterThan(2040);
  });

  test("a server does not mask (RFC 6455 §5.1)", () => {
    const { connection, sentFrames } = openServerConnection();
    connection.sendText("x");
    connection.sendBinary(bytes(40_000));
    connection.sendPing(bytes(3));
    connection.close(1000);
    expect(sentFrames().map(({ key }) => key)).toEqual(Array(4).fill(undefined));
  });
});
