import type { DeflateRaw } from "node:zlib";
import { encodeTextFrame } from "../../protocol/index.ts";
import { nodeByteOperations } from "../node-byte-operations.ts";
import type { ContextPool } from "./context-pool.ts";
import { deflateNow } from "./deflate-now.ts";
import { MAX_SHARED_BYTES } from "./limits.ts";
import type { DeflateShape } from "./zlib-context.ts";

/** FIN, RSV1 for a compressed message, and the opcode of text. (RFC 6455 §5.2, RFC 7692 §6) */
const FIRST_OCTET = 0xc1;

/**
 * Encodes a server's frames for all peers with the same window and without context takeover, so
 * that a text is compressed once for all its receivers.
 */
export class DeflatedFrames {
  /** Frames with equal names are valid for the same peers. */
  readonly name: string;
  readonly #shape: DeflateShape;
  readonly #pool: ContextPool<DeflateRaw>;
  readonly #thresholdBytes: number;

  constructor(shape: DeflateShape, pool: ContextPool<DeflateRaw>, thresholdBytes: number) {
    this.name = `deflate${shape.windowBits}`;
    this.#shape = shape;
    this.#pool = pool;
    this.#thresholdBytes = thresholdBytes;
  }

  /**
   * Returns a frame that may be kept, compressed if the text is long enough and becomes shorter.
   */
  encodeText(text: string): Uint8Array {
    // A UTF-16 code unit becomes one to three bytes.
    const isShort = text.length * 3 < this.#thresholdBytes;
    const isLong = text.length > MAX_SHARED_BYTES;
    const deflated = isShort || isLong ? undefined : this.#deflate(Buffer.from(text));
    return deflated === undefined
      ? encodeTextFrame(text, nodeByteOperations)
      : compressedFrame(deflated);
  }

  #deflate(payload: Uint8Array): Uint8Array | undefined {
    const { length } = payload;
    if (length < this.#thresholdBytes || length > MAX_SHARED_BYTES) return undefined;
    const deflated = deflateNow(this.#pool, this.#shape, payload);
    return deflated !== undefined && deflated.length < length ? deflated : undefined;
  }
}

function compressedFrame(payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const headerBytes = length <= 125 ? 2 : length <= 0xffff ? 4 : 10;
  const frame = new Uint8Array(headerBytes + length);
  const header = new DataView(frame.buffer);
  header.setUint8(0, FIRST_OCTET);
  if (headerBytes === 2) {
    header.setUint8(1, length);
  } else if (headerBytes === 4) {
    header.setUint8(1, 126);
    header.setUint16(2, length);
  } else {
    header.setUint8(1, 127);
    header.setBigUint64(2, BigInt(length));
  }
  frame.set(payload, headerBytes);
  return frame;
}
