import type { ByteOperations } from "../../base/index.ts";
import {
  firstOctet,
  headerBytes,
  MAX_HEADER_BYTES,
  writeHeader,
  writeUint32,
} from "./frame-header.ts";
import type { FrameKind } from "./frame-header.ts";
import { mask } from "./masking.ts";
import { freshMaskingKey } from "./masking-keys.ts";
import { Opcode } from "./opcode.ts";
import { OutgoingBlocks } from "../messages/outgoing-blocks.ts";
import type { Role } from "../role.ts";

const MASK_BYTES = 4;
/**
 * From this length on, a server's own payload is sent without copying, because the copy would cost
 * more.
 */
const SHARE_FROM_BYTES = 32 * 1024;

/** Encodes frames into an `OutgoingBlocks`, ready to be written. (RFC 6455 §5.2) */
export class FrameEncoder {
  readonly #bytes: ByteOperations;
  readonly #outgoing: OutgoingBlocks;
  /** A client masks every frame, a server does not. (RFC 6455 §5.1) */
  readonly #masks: boolean;
  readonly #maskingKey: () => number;

  constructor(
    role: Role,
    bytes: ByteOperations,
    outgoing: OutgoingBlocks,
    maskingKey: () => number = freshMaskingKey,
  ) {
    this.#bytes = bytes;
    this.#outgoing = outgoing;
    this.#masks = role === "client";
    this.#maskingKey = maskingKey;
  }

  /**
   * Writes `text` as a complete text frame and returns the length of its payload in bytes.
   *
   * The length of the header depends on the length of the payload, which is known only after it is
   * written. The header's length is guessed as if the text were ASCII. In the rare case of a wrong
   * guess, the payload is moved.
   */
  text(text: string): number {
    const outgoing = this.#outgoing;
    const keyBytes = this.#masks ? MASK_BYTES : 0;
    const block = outgoing.reserve(MAX_HEADER_BYTES + this.#bytes.mostUtf8Bytes(text));
    const at = outgoing.position;
    const guess = headerBytes(text.length) + keyBytes;
    const length = this.#bytes.writeUtf8(text, block, at + guess);
    const actual = headerBytes(length) + keyBytes;
    if (actual !== guess) block.copyWithin(at + actual, at + guess, at + guess + length);
    this.#finish(block, at, 0x80 | Opcode.Text, length);
    return length;
  }

  /**
   * Writes one frame.
   *
   * @param payload copied, except that a server's long payloads that are not lent are sent without
   *   copying and must not change until they are written
   * @param lent whether the payload may be changed, transferred or resized after the call, as with
   *   everything that a caller of `send` passes
   */
  frame(kind: FrameKind, payload: Uint8Array, lent = false): void {
    const first = firstOctet(kind);
    const goesByReference = !this.#masks && !lent && payload.length >= SHARE_FROM_BYTES;
    if (goesByReference) return this.#shared(first, payload);
    const block = this.#outgoing.reserve(MAX_HEADER_BYTES + payload.length);
    const at = this.#outgoing.position;
    const keyBytes = this.#masks ? MASK_BYTES : 0;
    block.set(payload, at + headerBytes(payload.length) + keyBytes);
    this.#finish(block, at, first, payload.length);
  }

  #shared(first: number, payload: Uint8Array): void {
    const block = this.#outgoing.reserve(MAX_HEADER_BYTES);
    const start = this.#outgoing.position;
    this.#outgoing.commit(writeHeader(block, start, first, payload.length, 0));
    this.#outgoing.share(payload);
  }

  /** Writes the header before a payload that is already in place, and masks the payload. */
  #finish(block: Uint8Array, at: number, first: number, length: number): void {
    let payloadAt = writeHeader(block, at, first, length, this.#masks ? 0x80 : 0);
    if (this.#masks) {
      const key = this.#maskingKey();
      writeUint32(block, payloadAt, key);
      payloadAt += MASK_BYTES;
      mask(block, payloadAt, payloadAt + length, key, 0);
    }
    this.#outgoing.commit(payloadAt + length);
  }
}

/** Returns `text` as an unmasked text frame that a server can send to any number of clients. */
export function encodeTextFrame(text: string, bytes: ByteOperations): Uint8Array {
  const outgoing = new OutgoingBlocks(bytes);
  new FrameEncoder("server", bytes, outgoing).text(text);
  // Copied to its exact size, because the frame may be kept for long while the block is reused. Not
  // by `slice`, which returns a view on Node's buffers.
  const frame = new Uint8Array(outgoing.take()[0]!);
  outgoing.release();
  return frame;
}
