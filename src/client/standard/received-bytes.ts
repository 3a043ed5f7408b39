/**
 * Returns received bytes in a buffer that holds nothing else. Copies them if they were only lent.
 */
export function wholeBuffer(bytes: Uint8Array, lent: boolean): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (!lent && byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
