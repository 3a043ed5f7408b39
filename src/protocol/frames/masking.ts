/** An implementation of `mask`. */
export type Unmask = typeof mask;

/** Below this length, a view of 32-bit words costs more than it saves. */
const WORDS_FROM_BYTES = 96;

/**
 * XORs `bytes` from `start` to `end` with the masking key, in place. (RFC 6455 §5.3)
 *
 * @param key the four octets of the key as one big-endian 32-bit integer
 * @param phase the number of preceding octets of the same payload, modulo 4
 * @returns the OR of all resulting octets: below 0x80 if they are all ASCII
 */
export function mask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  phase: number,
): number {
  // Rotated so that the next octet of the key is the highest.
  const rotated = phase === 0 ? key : (key << (phase * 8)) | (key >>> (32 - phase * 8));
  if (end - start < WORDS_FROM_BYTES) return maskOctets(bytes, start, end, rotated);
  return maskWords(bytes, start, end, rotated);
}

function maskOctets(bytes: Uint8Array, start: number, end: number, key: number): number {
  const k0 = key >>> 24;
  const k1 = (key >>> 16) & 0xff;
  const k2 = (key >>> 8) & 0xff;
  const k3 = key & 0xff;
  let seen = 0;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    const a = bytes[at]! ^ k0;
    const b = bytes[at + 1]! ^ k1;
    const c = bytes[at + 2]! ^ k2;
    const d = bytes[at + 3]! ^ k3;
    bytes[at] = a;
    bytes[at + 1] = b;
    bytes[at + 2] = c;
    bytes[at + 3] = d;
    seen |= a | b | c | d;
  }
  if (at < end) seen |= bytes[at]! ^= k0;
  if (at + 1 < end) seen |= bytes[at + 1]! ^= k1;
  if (at + 2 < end) seen |= bytes[at + 2]! ^= k2;
  return seen;
}

function maskWords(bytes: Uint8Array, start: number, end: number, key: number): number {
  const misaligned = (bytes.byteOffset + start) & 3;
  const head = misaligned === 0 ? 0 : 4 - misaligned;
  let seen = head === 0 ? 0 : maskOctets(bytes, start, start + head, key);
  const turned = head === 0 ? key : (key << (head * 8)) | (key >>> (32 - head * 8));
  const count = (end - start - head) >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start + head, count);
  const word = inPlatformOrder(turned);
  let high = 0;
  let at = 0;
  for (const last = count - 3; at < last; at += 4) {
    const a = words[at]! ^ word;
    const b = words[at + 1]! ^ word;
    const c = words[at + 2]! ^ word;
    const d = words[at + 3]! ^ word;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    high |= a | b | c | d;
  }
  for (; at < count; at += 1) high |= words[at]! ^= word;
  if ((high & 0x80808080) !== 0) seen |= 0x80;
  return seen | maskOctets(bytes, start + head + count * 4, end, turned);
}

const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Returns the integer that a 32-bit view reads from the four octets of `key` in order. */
function inPlatformOrder(key: number): number {
  if (!isLittleEndian) return key;
  return (key >>> 24) | ((key >>> 8) & 0xff00) | ((key << 8) & 0xff0000) | ((key & 0xff) << 24);
}
