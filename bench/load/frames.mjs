import { randomFillSync } from "node:crypto";
import { deflateRawSync, constants } from "node:zlib";

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const RSV1 = 0x40;

/**
 * @param {number} opcode
 * @param {Uint8Array} payload
 * @param {{ isMasked?: boolean, isCompressed?: boolean }} [options]
 * @returns {Buffer} the frame, as a client sends it if it is masked
 */
export function frame(opcode, payload, { isMasked = true, isCompressed = false } = {}) {
  const header = [0x80 | (isCompressed ? RSV1 : 0) | opcode, ...lengthOf(payload.length)];
  if (!isMasked) return Buffer.concat([Buffer.from(header), payload]);
  header[1] |= 0x80;
  const key = randomFillSync(Buffer.alloc(4));
  return Buffer.concat([Buffer.from(header), key, masked(payload, key)]);
}

/** Masks, or unmasks. (RFC 6455 §5.3) */
export function masked(payload, key) {
  return Buffer.from(payload.map((byte, at) => byte ^ key[at & 3]));
}

/** Makes a payload that needs no earlier message to be inflated. (RFC 7692 §7.2.1) */
export function deflated(payload) {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function lengthOf(length) {
  if (length < 126) return [length];
  if (length < 65_536) return [126, length >> 8, length & 255];
  return [127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
}

/**
 * @param {Uint8Array} bytes
 * @returns the frame header at `at`, or undefined if it is cut; masked only in the raw floor's echo
 */
export function headerAt(bytes, at, end) {
  if (end - at < 2) return undefined;
  const first = bytes[at];
  const second = bytes[at + 1];
  const short = second & 0x7f;
  const isMasked = (second & 0x80) !== 0;
  const size = (short < 126 ? 2 : short === 126 ? 4 : 10) + (isMasked ? 4 : 0);
  if (end - at < size) return undefined;
  let length = short;
  if (short === 126) length = (bytes[at + 2] << 8) | bytes[at + 3];
  if (short === 127) length = Number(Buffer.from(bytes.subarray(at, at + 10)).readBigUInt64BE(2));
  return { opcode: first & 15, isCompressed: (first & RSV1) !== 0, isMasked, size, length };
}
