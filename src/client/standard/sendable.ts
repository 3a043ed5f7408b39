import { types } from "node:util";
import { isObject, usvString } from "./web-idl-conversions.ts";

interface Measured {
  /** The payload's, in bytes. */
  size: number;
  /** Whether it may be compressed. Default true. */
  compress?: boolean;
}

/** A text or its bytes: what goes on the wire as one message. */
export type TextOrBytes =
  | ({ kind: "text"; text: string } & Measured)
  | ({ kind: "bytes"; bytes: Uint8Array } & Measured);

/** A message as the standard's `send` takes it, with its payload's size known. */
export type Sendable = TextOrBytes | ({ kind: "blob"; blob: Blob } & Measured);

/** (BufferSource or Blob or USVString) */
export function sendable(data: unknown): Sendable {
  if (data instanceof Blob) return { kind: "blob", blob: data, size: data.size };
  return textOrBytes(data);
}

/**
 * (BufferSource or USVString)
 *
 * @throws TypeError for memory that is shared or may be resized, which Web IDL does not let in
 *   here, and for what has no text
 */
export function textOrBytes(data: unknown): TextOrBytes {
  const bytes = isObject(data) ? bufferSource(data) : undefined;
  if (bytes !== undefined) return { kind: "bytes", bytes, size: bytes.length };
  const text = usvString(data);
  return { kind: "text", text, size: Buffer.byteLength(text) };
}

const NO_BYTES = new Uint8Array(0);

/** The bytes of an ArrayBuffer or of a view of one, not copied. (Web IDL §3.2.25) */
function bufferSource(data: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    const { buffer } = data;
    if (!isArrayBuffer(buffer)) throw new TypeError("The view is of shared memory; copy it first.");
    requireFixedLength(buffer);
    // A detached buffer has no bytes, and some views of it would throw when asked where they are.
    if (buffer.byteLength === 0) return NO_BYTES;
    return new Uint8Array(buffer, data.byteOffset, data.byteLength);
  }
  // Web IDL would send its text, "[object SharedArrayBuffer]", which nobody can mean.
  if (types.isSharedArrayBuffer(data)) {
    throw new TypeError("The buffer is shared memory; copy it first.");
  }
  if (!isArrayBuffer(data)) return undefined;
  requireFixedLength(data);
  return data.byteLength === 0 ? NO_BYTES : new Uint8Array(data);
}

const byteLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength");
const resizable = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable");

/** By what it is made of and not by its prototype: it may come from another realm. */
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
  throw new TypeError("The buffer may be resized; copy it into one of a fixed length.");
}
