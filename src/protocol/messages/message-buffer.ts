import type { ByteOperations, MemoryAccount } from "../../base/index.ts";

/**
 * The number of bytes that are reserved for each byte that the peer really sent.
 *
 * A header may announce gigabytes; trusting it would let ten bytes reserve them. With 17, an honest
 * 1 MiB message still gets its whole buffer with its first 64 KiB, header included, and is copied
 * only once.
 */
const RESERVE_PER_BYTE = 17;
const SMALLEST_CAPACITY = 512;
const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * The part of a message that has arrived so far, joined. It grows with the bytes that the peer
 * sends.
 */
export class MessageBuffer {
  readonly #bytes: ByteOperations;
  readonly #account: MemoryAccount | undefined;
  readonly #mostBytes: number;
  #buffer: Uint8Array | undefined;
  #length = 0;
  /** The length at the last call of `takeProgress`. */
  #seenLength: number | undefined;

  /** @param mostBytes the maximum size of the message; no more is reserved */
  constructor(bytes: ByteOperations, account: MemoryAccount | undefined, mostBytes: number) {
    this.#bytes = bytes;
    this.#account = account;
    this.#mostBytes = mostBytes;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Adds `source` from `start` to `end`.
   *
   * @param stillToCome how many more bytes of the message the peer has announced
   * @returns false if the account has no room; nothing was added then
   */
  append(source: Uint8Array, start: number, end: number, stillToCome: number): boolean {
    const needed = this.#length + end - start;
    if (needed === 0) return true;
    if (needed > (this.#buffer?.length ?? 0) && !this.#grow(needed, needed + stillToCome)) {
      return false;
    }
    if (!this.#isInPlace(source, start)) {
      this.#buffer!.set(source.subarray(start, end), this.#length);
    }
    this.#length = needed;
    return true;
  }

  /**
   * Returns the reserved room for the next `size` bytes. Bytes that are read into it need not be
   * copied.
   */
  room(size: number): Uint8Array {
    return this.#buffer?.subarray(this.#length, this.#length + size) ?? NOTHING;
  }

  /** Returns the message without removing it; the bytes are valid until something is added. */
  peek(): Uint8Array {
    return this.#buffer?.subarray(0, this.#length) ?? NOTHING;
  }

  /** Returns and removes the message; the receiver owns the bytes. */
  take(): Uint8Array {
    const taken = this.peek();
    this.clear();
    return taken;
  }

  clear(): void {
    if (this.#buffer !== undefined) this.#account?.refund(this.#buffer.length);
    this.#buffer = undefined;
    this.#length = 0;
    this.#seenLength = undefined;
  }

  /** Returns how many bytes have arrived since the last call; `undefined` the first time. */
  takeProgress(): number | undefined {
    const progress = this.#seenLength === undefined ? undefined : this.#length - this.#seenLength;
    this.#seenLength = this.#length;
    return progress;
  }

  #isInPlace(source: Uint8Array, start: number): boolean {
    const buffer = this.#buffer!;
    return (
      source.buffer === buffer.buffer &&
      source.byteOffset + start === buffer.byteOffset + this.#length
    );
  }

  #grow(needed: number, announced: number): boolean {
    const present = this.#buffer?.length ?? 0;
    const reserve = Math.max(SMALLEST_CAPACITY, Math.min(announced, needed * RESERVE_PER_BYTE));
    // Doubling keeps joining many fragments linear.
    const wanted = Math.max(reserve, present * 2);
    const capacity = Math.max(needed, Math.min(wanted, this.#mostBytes));
    if (this.#account?.charge(capacity - present) === false) return false;
    const grown = this.#bytes.allocate(capacity);
    if (this.#buffer !== undefined) grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    return true;
  }
}
