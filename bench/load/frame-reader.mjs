import { inflateRawSync, constants } from "node:zlib";
import { headerAt, masked } from "./frames.mjs";

/** Reads whole frames, where their content counts: before and after what is timed. */
export class FrameReader {
  #bytes = Buffer.alloc(0);

  /** @returns {{ opcode: number, isCompressed: boolean, payload: Buffer }[]} */
  read(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const frames = [];
    for (;;) {
      const header = headerAt(this.#bytes, 0, this.#bytes.length);
      const end = header && header.size + header.length;
      if (header === undefined || this.#bytes.length < end) return frames;
      const { opcode, isCompressed, isMasked, size } = header;
      let payload = this.#bytes.subarray(size, end);
      // Only the floor sends back what it got.
      if (isMasked) payload = masked(payload, this.#bytes.subarray(size - 4, size));
      this.#bytes = this.#bytes.subarray(end);
      frames.push({ opcode, isCompressed, payload });
    }
  }
}

/** @returns {Buffer} what a connection's first compressed message says */
export function inflated(payload) {
  const tail = Buffer.from([0, 0, 0xff, 0xff]);
  return inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH });
}
