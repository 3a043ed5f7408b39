import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { referenceInflate } from "../rigs/protocol/reference-inflate.ts";

/** How far one end of a connection may refer back when it compresses. */
export interface WindowUse {
  /** The window's base-2 logarithm. */
  bits: number;
  /** Whether it may refer to earlier messages. */
  takeover: boolean;
}

const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);
/** Up to this size, messages are inflated slowly to check how far they refer back, in bytes. */
const MEASURED_BYTES = 8 * 1024;
/** References cannot go back more than 2^15 bytes. */
const MOST_BITS = 15;

/** The sent data that an end can refer to. */
class Window {
  readonly #use: WindowUse;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(use: WindowUse) {
    this.#use = use;
  }

  get size(): number {
    return 2 ** this.#use.bits;
  }

  /** The option `dictionary` of zlib, which must not be empty. */
  get options(): { finishFlush: number; dictionary?: Uint8Array } {
    const flush = { finishFlush: constants.Z_SYNC_FLUSH };
    return this.#bytes.length === 0 ? flush : { ...flush, dictionary: this.#bytes };
  }

  get content(): Uint8Array {
    return this.#bytes;
  }

  add(message: Uint8Array): void {
    if (!this.#use.takeover) return;
    this.#bytes = Buffer.concat([this.#bytes, message]).subarray(-this.size);
  }
}

/** Compresses a connection's messages with the platform's zlib only. (RFC 7692 §7.2.1) */
export class ReferenceDeflater {
  readonly #window: Window;
  readonly #bits: number;

  constructor(use: WindowUse) {
    this.#window = new Window(use);
    // zlib has no raw window of 2^8; with 2^9 it looks back 250 bytes at most.
    this.#bits = Math.max(use.bits, 9);
  }

  deflate(message: Uint8Array): Uint8Array {
    // (RFC 7692 §7.2.3.6)
    if (message.length === 0) return Uint8Array.of(0);
    const result = deflateRawSync(message, { ...this.#window.options, windowBits: this.#bits });
    this.#window.add(message);
    return result.subarray(0, -TAIL.length);
  }
}

/** Inflates a connection's messages with the platform's zlib only. (RFC 7692 §7.2.2) */
export class ReferenceInflater {
  readonly #window: Window;
  readonly #isNarrow: boolean;

  constructor(use: WindowUse) {
    this.#window = new Window(use);
    this.#isNarrow = use.bits < MOST_BITS;
  }

  /** @throws Error if it is not DEFLATE data, or refers farther back than agreed */
  inflate(payload: Uint8Array): Uint8Array {
    if (this.#isNarrow && payload.length <= MEASURED_BYTES) this.#measure(payload);
    const result = inflateRawSync(Buffer.concat([payload, TAIL]), this.#window.options);
    this.#window.add(result);
    return result;
  }

  /** zlib does not report how far back it had to look. */
  #measure(payload: Uint8Array): void {
    const { farthest } = referenceInflate(payload, [...this.#window.content]);
    if (farthest <= this.#window.size) return;
    throw new Error(`A reference goes ${farthest} back, beyond the ${this.#window.size} agreed.`);
  }
}
