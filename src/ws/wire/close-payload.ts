import { isSendableCloseCode } from "../../protocol/index.ts";

/**
 * Returns the payload of a Close frame as `ws` encodes it.
 *
 * @throws TypeError, RangeError
 */
export function closePayload(code: unknown, reason: unknown): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  if (typeof code !== "number" || !isSendableCloseCode(code)) {
    throw new TypeError("First argument must be a valid error code number");
  }
  const text = reasonBytes(reason);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code, 0);
  payload.set(text, 2);
  return payload;
}

function reasonBytes(reason: unknown): Uint8Array {
  if (!((reason as { length?: number } | undefined)?.length ?? 0)) return Buffer.alloc(0);
  if (Buffer.byteLength(reason as string) > 123) {
    throw new RangeError("The message must not be greater than 123 bytes");
  }
  if (typeof reason === "string") return Buffer.from(reason);
  if (reason instanceof Uint8Array) return reason;
  throw new TypeError("Second argument must be a string or a Uint8Array");
}
