/**
 * A message in any form that `ws` accepts: beyond the declared types, everything that `Buffer.from`
 * accepts.
 */
export type MessageData = unknown;

/**
 * Returns the bytes of a message, without copying if possible.
 *
 * @throws TypeError for a value that `Buffer.from` does not accept
 */
export function bytesOf(data: MessageData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return bufferOver(data);
  return Buffer.from(data as string);
}

/** Returns a buffer over the same memory. */
export function bufferOver({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Whether the sender could still change the bytes of the message. */
export function isLentBySender(data: MessageData): boolean {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data);
}

/** Returns the size of a message in bytes, even before a Blob is read. */
export function sizeOf(data: MessageData): number {
  if (data instanceof Blob) return data.size;
  return typeof data === "string" ? Buffer.byteLength(data) : bytesOf(data).length;
}

/**
 * Returns bytes that `connection` lent or gave as the application's own.
 *
 * @param lent whether the bytes are valid only until the call returns
 */
export function ownBuffer(bytes: Uint8Array, lent: boolean): Buffer {
  if (lent) return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : bufferOver(bytes);
}
