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
/** From this length a server's payload of our own goes out by reference: the copy would cost more. */
const SHARE_FROM_BYTES = 32 * 1024;

/** Writes frames, ready for the wire, into an `OutgoingBlocks`. (RFC 6455 §5.2) */
export class FrameEncoder {
  readonly #bytes: ByteOperations;
  readonly #outgoing: OutgoingBlocks;
  /** A client masks every frame, a server none. (RFC 6455 §5.1) */
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
   * Writes `text` as one whole text frame and returns its payload's length in bytes.
   *
   * The header's length depends on the payload's, which is known only once it is written. It is
   * guessed as if the text were ASCII, and the payload moved in the rare case of a wrong guess.
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
   * @param payload copied, except that a server's long payloads that are not lent go by reference
   *   and must not change until they are written out
   * @param lent whether the payload may change, be given to another thread or be resized once this
   *   has returned, as all that a caller sends may
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

  /** Writes the header before a payload that is already in place, and masks it. */
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

/**
 * Returns `text` as one unmasked text frame, to be sent by a server to any number of clients.
 */
export function encodeTextFrame(text: string, bytes: ByteOperations): Uint8Array {
  const outgoing = new OutgoingBlocks(bytes);
  new FrameEncoder("server", bytes, outgoing).text(text);
  // A copy of just its size: it may be kept for long, and the block serves again at once. Not
  // `slice`, which on Node's buffers is a view.
  const frame = new Uint8Array(outgoing.take()[0]!);
  outgoing.release();
  return frame;
}
