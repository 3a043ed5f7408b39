/** The forms in which `ws` delivers binary messages. */
export type BinaryType = "nodebuffer" | "arraybuffer" | "fragments" | "blob";

const BINARY_TYPES: ReadonlySet<unknown> = new Set<BinaryType>([
  "nodebuffer",
  "arraybuffer",
  "fragments",
  "blob",
]);

export function isBinaryType(value: unknown): value is BinaryType {
  return BINARY_TYPES.has(value);
}

/** A binary message in the form of its `binaryType`. */
export type BinaryData = Buffer | ArrayBuffer | Buffer[] | Blob;

/**
 * Returns a binary message as `type`.
 *
 * @param message owned by the receiver
 * @param ends the ends of its fragments, except for the last one
 */
export function binaryData(
  message: Buffer,
  type: BinaryType,
  ends: readonly number[] = [],
): BinaryData {
  switch (type) {
    case "nodebuffer":
      return message;
    case "arraybuffer":
      return arrayBufferOf(message);
    case "blob":
      return new Blob([message as Uint8Array<ArrayBuffer>]);
    case "fragments":
      return fragmentsOf(message, ends);
  }
}

/** Empty fragments are left out, as `ws` does. */
function fragmentsOf(message: Buffer, ends: readonly number[]): Buffer[] {
  const fragments: Buffer[] = [];
  let start = 0;
  for (const end of [...ends, message.length]) {
    if (end > start) fragments.push(message.subarray(start, end));
    start = end;
  }
  return fragments;
}

function arrayBufferOf({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  const isAll = byteOffset === 0 && byteLength === buffer.byteLength;
  // Received bytes are never in shared memory.
  const own = buffer as ArrayBuffer;
  return isAll ? own : own.slice(byteOffset, byteOffset + byteLength);
}
