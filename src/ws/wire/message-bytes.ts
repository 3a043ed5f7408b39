/** What `ws` takes as a message: beside what the types say, whatever `Buffer.from` takes. */
export type MessageData = unknown;

/**
 * Returns a message's bytes, without a copy where it has some.
 *
 * @throws TypeError for what `Buffer.from` does not take
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

/** Whether what is given away can be changed by its sender afterwards. */
export function isLentBySender(data: MessageData): boolean {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data);
}

/** How many bytes a message has, also while they are not there yet. */
export function sizeOf(data: MessageData): number {
  if (data instanceof Blob) return data.size;
  return typeof data === "string" ? Buffer.byteLength(data) : bytesOf(data).length;
}

/**
 * Returns what `connection` lent or gave as the application's own.
 *
 * @param lent whether the bytes are good only until the call returns
 */
export function ownBuffer(bytes: Uint8Array, lent: boolean): Buffer {
  if (lent) return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : bufferOver(bytes);
}
