import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fastMemory, maskFast } from "../../../src/node/masking/kernel.ts";
import { MASK_KERNEL } from "../../../src/node/compiled-kernels.ts";
import { mask } from "../../../src/protocol/index.ts";

const memory = fastMemory();

describe("the masking kernel", () => {
  test("is a module that this platform supports", () => {
    expect(WebAssembly.validate(Buffer.from(MASK_KERNEL, "base64"))).toBe(true);
  });

  test("has the same result as its TypeScript twin, and does not change surrounding bytes", () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 80, max: 0x7f }),
      fc.uint8Array({ minLength: 1000, maxLength: 1100 }),
    );
    fc.assert(
      fc.property(
        octets,
        fc.nat(40),
        fc.integer(),
        fc.nat(3),
        fc.boolean(),
        (payload, at, key, phase, isAscii) => {
          const end = at + payload.length;
          const twin = Buffer.alloc(end + 40, 0xa5);
          twin.set(payload, at);
          // Masked again, so that the bytes are restored.
          if (isAscii) mask(twin, at, end, key, phase);
          memory.set(twin);
          const seen = mask(twin, at, end, key, phase);
          expect(maskFast(memory, at, end, key, phase) < 0x80).toBe(seen < 0x80);
          expect(Buffer.compare(memory.subarray(0, twin.length), twin)).toBe(0);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("detects one octet that is not ASCII, at any position", () => {
    for (let length = 1; length < 70; length += 1) {
      for (let at = 0; at < length; at += 1) {
        memory.fill(0x41, 0, length);
        expect(maskFast(memory, 0, length, 0, 0)).toBeLessThan(0x80);
        memory[at] = 0x80;
        expect(maskFast(memory, 0, length, 0, 0)).toBeGreaterThanOrEqual(0x80);
      }
    }
  });

  test("uses the twin in other memory", () => {
    for (const payload of [Buffer.from("elsewhere"), memory.subarray(100, 109)]) {
      payload.write("elsewhere");
      maskFast(payload, 0, payload.length, 0x01020304, 0);
      mask(payload, 0, payload.length, 0x01020304, 0);
      expect(payload.toString()).toBe("elsewhere");
    }
  });
});
