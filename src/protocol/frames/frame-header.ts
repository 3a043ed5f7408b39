import { Opcode } from "./opcode.ts";

/** The maximum payload of a control frame, in bytes. (RFC 6455 §5.5) */
export const MAX_CONTROL_BYTES = 125;

/** The maximum size of a frame header: 2 octets, 8 of extended length, 4 of masking key. */
export const MAX_HEADER_BYTES = 14;

/** Payload lengths up to this are encoded in the header's second octet. (RFC 6455 §5.2) */
const SHORT_LENGTH = 125;
/** Lengths up to this take two more octets, longer ones take eight. */
const MEDIUM_LENGTH = 0xffff;

/** Returns the size of a header without its masking key. */
export function headerBytes(payloadBytes: number): 2 | 4 | 10 {
  if (payloadBytes <= SHORT_LENGTH) return 2;
  return payloadBytes <= MEDIUM_LENGTH ? 4 : 10;
}

export interface FrameKind {
  opcode: Opcode;
  /** The FIN bit: whether the frame ends its message. */
  fin: boolean;
  /** RSV1–RSV3 at their position in the first octet; 0 unless an extension defines them. */
  reservedBits: number;
}

/**
 * Writes a frame header, without the masking key, into `target` from `at`.
 *
 * @returns the end of the header
 */
export function writeHeader(
  target: Uint8Array,
  at: number,
  firstOctet: number,
  payloadBytes: number,
  maskBit: 0 | 0x80,
): number {
  target[at] = firstOctet;
  if (payloadBytes <= SHORT_LENGTH) {
    target[at + 1] = maskBit | payloadBytes;
    return at + 2;
  }
  if (payloadBytes <= MEDIUM_LENGTH) {
    target[at + 1] = maskBit | 126;
    target[at + 2] = payloadBytes >>> 8;
    target[at + 3] = payloadBytes & 0xff;
    return at + 4;
  }
  target[at + 1] = maskBit | 127;
  writeUint32(target, at + 2, Math.floor(payloadBytes / 0x1_0000_0000));
  writeUint32(target, at + 6, payloadBytes >>> 0);
  return at + 10;
}

/**
 * Returns the encoded header of a frame.
 *
 * @param key the masking key, with which the header of a masked frame ends
 */
export function encodeHeader(kind: FrameKind, payloadBytes: number, key?: number): Uint8Array {
  const header = new Uint8Array(MAX_HEADER_BYTES);
  const maskBit = key === undefined ? 0 : 0x80;
  const end = writeHeader(header, 0, firstOctet(kind), payloadBytes, maskBit);
  if (key === undefined) return header.subarray(0, end);
  writeUint32(header, end, key);
  return header.subarray(0, end + 4);
}

/** Returns the first octet of a header. */
export function firstOctet(kind: FrameKind): number {
  return (kind.fin ? 0x80 : 0) | kind.reservedBits | kind.opcode;
}

export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = (value >>> 16) & 0xff;
  target[at + 2] = (value >>> 8) & 0xff;
  target[at + 3] = value & 0xff;
}

export function readUint32(source: Uint8Array, at: number): number {
  return (
    ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0
  );
}
