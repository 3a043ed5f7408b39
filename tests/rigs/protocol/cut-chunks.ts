import * as fc from "fast-check";

/** Cuts `bytes` at `cuts`, in fresh copies, because receivers unmask in place. */
export function cutChunks(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.filter((cut) => cut < bytes.length))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => bytes.slice(start, at[index] ?? bytes.length));
}

export function singleBytes(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** The ways to cut a stream: byte by byte, evenly, or anywhere. */
export const cuttings: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array[]> = fc.oneof(
  fc.constant(singleBytes),
  fc.integer({ min: 1, max: 40 }).map(
    (size) => (bytes: Uint8Array) =>
      cutChunks(
        bytes,
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size),
      ),
  ),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 24 }).map(
    (places) => (bytes: Uint8Array) =>
      cutChunks(
        bytes,
        places.map((place) => Math.floor(place * bytes.length)),
      ),
  ),
);
