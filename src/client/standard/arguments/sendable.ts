import { types } from "node:util";
import { isObject, usvString } from "../web-idl/web-idl-conversions.ts";

interface Measured {
  /** The size of the payload, in bytes. */
  size: number;
  /** Whether it may be compressed. Default true. */
  compress?: boolean;
}

/** A text or bytes, to be sent as one message. */
export type TextOrBytes =
  | ({ kind: "text"; text: string } & Measured)
  | ({ kind: "bytes"; bytes: Uint8Array } & Measured);

/** An argument of the standard's `send`, converted, with the size of its payload. */
export type Sendable = TextOrBytes | ({ kind: "blob"; blob: Blob } & Measured);

/** Converts (BufferSource or Blob or USVString). */
export function sendable(data: unknown): Sendable {
  if (data instanceof Blob) return { kind: "blob", blob: data, size: data.size };
  return textOrBytes(data);
}

/**
 * Converts (BufferSource or USVString).
 *
 * @throws TypeError for shared or resizable memory, which Web IDL does not accept here, and for a
 *   value that cannot be converted to text
 */
export function textOrBytes(data: unknown): TextOrBytes {
  const bytes = isObject(data) ? bufferSource(data) : undefined;
  if (bytes !== undefined) return { kind: "bytes", bytes, size: bytes.length };
  const text = usvString(data);
  return { kind: "text", text, size: Buffer.byteLength(text) };
}

const NO_BYTES = new Uint8Array(0);

/** Returns the bytes of an ArrayBuffer or of a view of one, without copying. (Web IDL §3.2.25) */
function bufferSource(data: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    const { buffer } = data;
    if (!isArrayBuffer(buffer))
      throw new TypeError("The view is on shared memory; copy the bytes to an ArrayBuffer first.");
    requireFixedLength(buffer);
    // A detached buffer has no bytes, and some views of it throw when they are asked for their
    // offset.
    if (buffer.byteLength === 0) return NO_BYTES;
    return new Uint8Array(buffer, data.byteOffset, data.byteLength);
  }
  // Web IDL would send the text "[object SharedArrayBuffer]", which is never intended.
  if (types.isSharedArrayBuffer(data)) {
    throw new TypeError("The buffer is shared memory; copy the bytes to an ArrayBuffer first.");
  }
  if (!isArrayBuffer(data)) return undefined;
  requireFixedLength(data);
  return data.byteLength === 0 ? NO_BYTES : new Uint8Array(data);
}

const byteLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength");
const resizable = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable");

/** Checked by its internal slot, not its prototype, because it may come from another realm. */
function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    byteLength?.get?.call(value);
    return true;
  } catch {
    return false;
  }
}

function requireFixedLength(buffer: ArrayBuffer): void {
  if (resizable?.get?.call(buffer) !== true) return;
  throw new TypeError(
    "The buffer is resizable; copy the bytes to an ArrayBuffer of fixed length first.",
  );
}
