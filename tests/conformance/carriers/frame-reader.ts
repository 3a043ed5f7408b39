import type { WireFrame } from "../../rigs/protocol/read-frames.ts";

const NOTHING = Buffer.alloc(0);
const MAX_HEADER_BYTES = 14;

/** Reads whole frames from bytes as they arrive, in linear time for any chunking. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #joined: Buffer = NOTHING;
  #at = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }

  /** Received bytes that are not a complete frame yet, or have not been taken. */
  get leftBytes(): number {
    return this.#joined.length - this.#at + this.#chunkBytes;
  }

  next(): WireFrame | undefined {
    const layout = this.#layout();
    if (layout === undefined) return undefined;
    const { headerBytes, isMasked, payloadBytes } = layout;
    const size = headerBytes + payloadBytes;
    if (this.leftBytes < size) return undefined;
    this.#join(size);
    const frame = this.#joined.subarray(this.#at, this.#at + size);
    this.#at += size;
    const key = isMasked ? new Uint8Array(frame.subarray(headerBytes - 4, headerBytes)) : undefined;
    const payload = new Uint8Array(frame.subarray(headerBytes));
    if (key !== undefined) applyKey(payload, key);
    return {
      fin: frame[0]! >= 0x80,
      reservedBits: frame[0]! & 0x70,
      opcode: frame[0]! & 0x0f,
      key,
      headerBytes,
      payload,
    };
  }

  /**
   * Returns the layout of the next frame, or `undefined` while its header is incomplete. (RFC 6455
   * §5.2)
   */
  #layout(): { headerBytes: number; isMasked: boolean; payloadBytes: number } | undefined {
    this.#join(Math.min(MAX_HEADER_BYTES, this.leftBytes));
    const header = this.#joined.subarray(this.#at);
    if (header.length < 2) return undefined;
    const isMasked = header[1]! >= 0x80;
    const short = header[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const headerBytes = 2 + lengthBytes + (isMasked ? 4 : 0);
    if (header.length < headerBytes) return undefined;
    const payloadBytes =
      short === 126
        ? header.readUInt16BE(2)
        : short === 127
          ? Number(header.readBigUInt64BE(2))
          : short;
    return { headerBytes, isMasked, payloadBytes };
  }

  /** Joins chunks until the next `size` bytes are in one piece. */
  #join(size: number): void {
    if (this.#joined.length - this.#at >= size) return;
    this.#joined = Buffer.concat([this.#joined.subarray(this.#at), ...this.#chunks]);
    this.#chunks = [];
    this.#chunkBytes = 0;
    this.#at = 0;
  }
}

/** Masks or unmasks a payload, in place. (RFC 6455 §5.3) */
export function applyKey(payload: Uint8Array, key: Uint8Array): void {
  for (let at = 0; at < payload.length; at += 1) payload[at] = payload[at]! ^ key[at & 3]!;
}
