import { readUint32, MAX_HEADER_BYTES, type FrameKind } from "./frame-header.ts";
import { mask, type Unmask } from "./masking.ts";
import { isKnownOpcode, Opcode } from "./opcode.ts";
import { ProtocolError } from "../protocol-error.ts";
import { CloseCode } from "../messages/close-code.ts";
import type { Role } from "../role.ts";

/** The `octets` of a payload that did not have to be unmasked. */
export const UNKNOWN_OCTETS = -1;

/** Receives decoded frames. Each method returns whether to continue decoding. */
export interface FrameSink {
  /** Called for a legal header; one or more calls of `onFramePayload` follow. */
  onFrameHeader(frame: Readonly<FrameKind>, payloadBytes: number): boolean;
  /**
   * Called for unmasked payload: `source` from `start` to `end`, lent until this call returns.
   *
   * @param octets the OR of all its octets, or `UNKNOWN_OCTETS`
   * @param ends whether this completes the frame's payload; called once for an empty payload
   */
  onFramePayload(
    source: Uint8Array,
    start: number,
    end: number,
    octets: number,
    ends: boolean,
  ): boolean;
  onFrameViolation(error: ProtocolError): void;
  /**
   * Returns another violation in a header whose opcode or mask is invalid. If there
   * are several violations, the first in the header is reported, as in `ws`.
   *
   * @param shortLength the seven bits of the payload's length
   */
  violationBefore?(frame: Readonly<FrameKind>, shortLength: number): ProtocolError | undefined;
}

/**
 * Decodes frames from bytes as they arrive.
 *
 * It unmasks in place and passes on ranges of the chunk. Between chunks it keeps at most one
 * incomplete header. (RFC 6455 §5.2, §5.3)
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #expectsMask: boolean;
  readonly #unmask: Unmask;
  readonly #frame: FrameKind = { opcode: Opcode.Continuation, fin: true, reservedBits: 0 };
  #key = 0;
  #inPayload = false;
  #remaining = 0;
  #phase = 0;
  #cut: Uint8Array | undefined;
  #cutBytes = 0;

  /** @param unmask a faster implementation of `mask`, if the platform has one */
  constructor(role: Role, sink: FrameSink, unmask: Unmask = mask) {
    this.#sink = sink;
    this.#unmask = unmask;
    // A client masks all its frames, a server does not. (RFC 6455 §5.1)
    this.#expectsMask = role === "server";
  }

  /** The octets that are still missing from the payload of the current frame. */
  get remainingBytes(): number {
    return this.#remaining;
  }

  /**
   * Decodes `chunk` up to `length`, or until the sink stops it.
   *
   * @param chunk bytes as read from the network; payloads are unmasked in place
   * @returns the number of bytes processed; to continue, the caller passes the others again
   */
  decode(chunk: Uint8Array, length: number = chunk.length): number {
    let at = 0;
    for (;;) {
      if (!this.#inPayload) {
        at = this.#decodeHeader(chunk, at, length);
        if (at < 0) return length;
        if (!this.#sink.onFrameHeader(this.#frame, this.#remaining)) return at;
      }
      const end = Math.min(length, at + this.#remaining);
      if (end === at && this.#remaining !== 0) return at;
      const goOn = this.#decodePayload(chunk, at, end);
      at = end;
      if (!goOn || at === length) return at;
    }
  }

  #decodePayload(chunk: Uint8Array, start: number, end: number): boolean {
    const octets = this.#expectsMask
      ? this.#unmask(chunk, start, end, this.#key, this.#phase)
      : UNKNOWN_OCTETS;
    this.#remaining -= end - start;
    this.#phase = (this.#phase + end - start) & 3;
    const ends = this.#remaining === 0;
    this.#inPayload = !ends;
    return this.#sink.onFramePayload(chunk, start, end, octets, ends);
  }

  /** Returns the start of the payload, or −1 if the chunk ends first or the header is illegal. */
  #decodeHeader(chunk: Uint8Array, at: number, length: number): number {
    if (this.#cutBytes > 0) return this.#decodeCutHeader(chunk, at, length);
    const available = length - at;
    if (available >= 2) {
      const needed = headerLength(chunk[at]!, chunk[at + 1]!);
      if (available >= needed) return this.#readHeader(chunk, at) ? at + needed : -1;
    }
    this.#cut ??= new Uint8Array(MAX_HEADER_BYTES);
    this.#cut.set(chunk.subarray(at, length));
    this.#cutBytes = available;
    return -1;
  }

  #decodeCutHeader(chunk: Uint8Array, from: number, length: number): number {
    const cut = this.#cut!;
    let at = from;
    while (this.#cutBytes < 2 || this.#cutBytes < headerLength(cut[0]!, cut[1]!)) {
      if (at === length) return -1;
      cut[this.#cutBytes] = chunk[at]!;
      this.#cutBytes += 1;
      at += 1;
    }
    this.#cutBytes = 0;
    return this.#readHeader(cut, 0) ? at : -1;
  }

  #readHeader(source: Uint8Array, at: number): boolean {
    const first = source[at]!;
    const second = source[at + 1]!;
    const opcode = first & 0x0f;
    // An unknown opcode is reported immediately.
    this.#frame.opcode = opcode as Opcode;
    this.#frame.fin = (first & 0x80) !== 0;
    this.#frame.reservedBits = first & 0x70;
    const masked = (second & 0x80) !== 0;
    if (!isKnownOpcode(opcode) || masked !== this.#expectsMask) {
      return this.#badHeader(opcode, masked, second & 0x7f);
    }
    return isLongControl(first, second)
      ? this.#endHeader(second & 0x7f)
      : this.#readLength(source, at);
  }

  #readLength(source: Uint8Array, at: number): boolean {
    let length = source[at + 1]! & 0x7f;
    let keyAt = at + 2;
    if (length === 126) {
      length = (source[at + 2]! << 8) | source[at + 3]!;
      keyAt = at + 4;
      if (length < 126) return this.#violation("padded_length", badLength(length));
    } else if (length === 127) {
      const high = readUint32(source, at + 2);
      length = high * 0x1_0000_0000 + readUint32(source, at + 6);
      keyAt = at + 10;
      if (high >= 0x8000_0000) return this.#violation("negative_length", NEGATIVE_LENGTH, length);
      if (length <= 0xffff) return this.#violation("padded_length", badLength(length));
    }
    if (this.#expectsMask) this.#key = readUint32(source, keyAt);
    return this.#endHeader(length);
  }

  #endHeader(length: number): true {
    this.#remaining = length;
    this.#inPayload = true;
    this.#phase = 0;
    return true;
  }

  #badHeader(opcode: number, masked: boolean, shortLength: number): false {
    const before = this.#sink.violationBefore?.(this.#frame, shortLength);
    if (before !== undefined) {
      this.#sink.onFrameViolation(before);
      return false;
    }
    if (!isKnownOpcode(opcode)) {
      return this.#violation("reserved_opcode", badOpcode(opcode), opcode);
    }
    return masked
      ? this.#violation(
          "unexpected_mask",
          "The server sent a masked frame; servers must not mask frames.",
        )
      : this.#violation(
          "missing_mask",
          "The client sent an unmasked frame; clients must mask all frames.",
        );
  }

  #violation(code: string, message: string, seen?: number): false {
    this.#sink.onFrameViolation(new ProtocolError(code, CloseCode.ProtocolError, message, seen));
    return false;
  }
}

/**
 * Whether the header of a control frame announces more than 125 octets. The first two octets are
 * enough to reject it. (RFC 6455 §5.5)
 */
function isLongControl(first: number, second: number): boolean {
  return (first & 0x08) !== 0 && (second & 0x7f) > 125;
}

/** Returns the length of the header, determined by its first two octets. (RFC 6455 §5.2) */
function headerLength(first: number, second: number): number {
  if (isLongControl(first, second)) return 2;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  return 2 + extended + (second & 0x80 ? 4 : 0);
}

function badOpcode(opcode: number): string {
  return `The peer sent the reserved opcode 0x${opcode.toString(16)}; it must be 0x0–0x2 or 0x8–0xa.`;
}

function badLength(length: number): string {
  return `The peer encoded the payload length ${length} in a longer form than necessary; it must use the shortest form.`;
}

const NEGATIVE_LENGTH =
  "The peer sent a 64-bit payload length with the highest bit set; it must be 0.";
