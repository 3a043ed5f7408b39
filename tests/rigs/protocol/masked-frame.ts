import type { Role } from "../../../src/protocol/index.ts";

export interface FrameOptions {
  /** Any four bits, so that tests can send reserved ones. */
  opcode: number;
  /** Default true. */
  fin?: boolean;
  /** RSV1–RSV3 at their positions: 0x40, 0x20, 0x10. Default 0. */
  reservedBits?: number;
  /** Default empty. */
  payload?: Uint8Array;
  /** A length to announce in the header instead of the payload's. */
  announced?: bigint;
  /** Default the shortest form. */
  lengthForm?: "short" | "medium" | "long";
}

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/**
 * Returns a frame as a client sends it, implemented from the RFC, independently of the code under
 * test.
 */
export function maskedFrame(options: FrameOptions, key: Uint8Array = KEY): Uint8Array {
  const payload = options.payload ?? new Uint8Array(0);
  const masked = payload.map((octet, index) => octet ^ key[index % 4]!);
  return joinBytes([header(options, 0x80), key, masked]);
}

/** Returns a frame as a server sends it. */
export function plainFrame(options: FrameOptions): Uint8Array {
  return joinBytes([header(options, 0), options.payload ?? new Uint8Array(0)]);
}

/** Returns a frame as the peer of `receiver` sends it. */
export function frameTo(receiver: Role, options: FrameOptions): Uint8Array {
  return receiver === "server" ? maskedFrame(options) : plainFrame(options);
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Returns `size` bytes, each different from its neighbours. */
export function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
}

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

/** Returns the payload of a Close frame. */
export function closePayload(code: number, reason: Uint8Array = new Uint8Array(0)): Uint8Array {
  return joinBytes([Uint8Array.of(code >> 8, code & 0xff), reason]);
}

function header(options: FrameOptions, maskBit: 0 | 0x80): Uint8Array {
  const { opcode, fin = true, reservedBits = 0, payload, announced } = options;
  const length = announced ?? BigInt(payload?.length ?? 0);
  const form = options.lengthForm ?? shortest(length);
  const first = (fin ? 0x80 : 0) | reservedBits | opcode;
  if (form === "short") return Uint8Array.of(first, maskBit | Number(length));
  const octets = new DataView(new ArrayBuffer(form === "medium" ? 4 : 10));
  octets.setUint8(0, first);
  octets.setUint8(1, maskBit | (form === "medium" ? 126 : 127));
  if (form === "medium") octets.setUint16(2, Number(length));
  else octets.setBigUint64(2, length);
  return new Uint8Array(octets.buffer);
}

function shortest(length: bigint): "short" | "medium" | "long" {
  if (length < 126n) return "short";
  return length < 65536n ? "medium" : "long";
}
