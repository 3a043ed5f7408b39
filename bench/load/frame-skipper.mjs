import { CLOSE, headerAt, PING } from "./frames.mjs";

/** Counts the messages in what a server sends, and looks at nothing but frame headers. */
export class FrameSkipper {
  /** How many of the messages were compressed. */
  compressed = 0;
  #left = 0;
  #isCounted = 0;
  #cut;
  #onControl;

  /** @param {(opcode: number) => void} onControl called for pings and closes */
  constructor(onControl) {
    this.#onControl = onControl;
  }

  /** @returns {number} how many messages ended in the first `end` bytes of `bytes` */
  skip(bytes, end) {
    if (this.#cut !== undefined) {
      const joined = Buffer.concat([this.#cut, bytes.subarray(0, end)]);
      this.#cut = undefined;
      return this.skip(joined, joined.length);
    }
    if (this.#left > end) {
      this.#left -= end;
      return 0;
    }
    let at = this.#left;
    let count = at > 0 ? this.#isCounted : 0;
    this.#left = 0;
    while (at < end) {
      const first = bytes[at];
      const second = bytes[at + 1];
      let next;
      // Nearly all are unmasked and below 64 KiB; the rest may take longer.
      if (second < 126 && at + 2 <= end) next = at + 2 + second;
      else if (second === 126 && at + 4 <= end) {
        next = at + 4 + ((bytes[at + 2] << 8) | bytes[at + 3]);
      } else {
        const header = headerAt(bytes, at, end);
        if (header === undefined) {
          this.#cut = Buffer.from(bytes.subarray(at, end));
          return count;
        }
        next = at + header.size + header.length;
      }
      const isMessage = this.#isMessage(first);
      if (next > end) {
        this.#left = next - end;
        this.#isCounted = isMessage;
        return count;
      }
      count += isMessage;
      at = next;
    }
    return count;
  }

  #isMessage(first) {
    const opcode = first & 15;
    if (opcode === PING || opcode === CLOSE) this.#onControl(opcode);
    if (opcode >= CLOSE) return 0;
    if ((first & 0x40) !== 0) this.compressed += 1;
    return first >> 7;
  }
}
