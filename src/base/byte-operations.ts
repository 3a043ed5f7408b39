import { BlockPool } from "./block-pool.ts";

/**
 * Operations on bytes that a platform can do faster than portable code.
 *
 * The protocol receives them as a parameter, so that it runs in Node and anywhere else.
 */
export interface ByteOperations {
  /**
   * Returns `size` bytes with undefined content; the caller must overwrite every byte that it
   * exposes.
   */
  allocate(size: number): Uint8Array;
  /**
   * Returns an upper bound for the length of `text` in UTF-8, in bytes; exact if counting is worth
   * its cost.
   */
  mostUtf8Bytes(text: string): number;
  /**
   * Writes `text` as UTF-8 into `target` from `at` and returns the number of bytes written.
   * `target` must have room for `mostUtf8Bytes`. A lone surrogate becomes U+FFFD.
   */
  writeUtf8(text: string, target: Uint8Array, at: number): number;
  /**
   * XORs `bytes` from `start` to `end` with a masking key, in place. The default is `mask` in
   * `src/protocol/frames/masking.ts`.
   */
  mask?: (bytes: Uint8Array, start: number, end: number, key: number, phase: number) => number;
  /** Memory for output. */
  readonly blocks: BlockPool;
  /** Whether `bytes` from `start` to `end` are ASCII. */
  isAscii(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * Whether `bytes` from `start` to `end` are known to be a complete UTF-8 text. False means
   * unknown: the bytes have to be checked one by one.
   */
  isKnownUtf8(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * Lends a block of at least `size` bytes, for a text that is about to be compressed. It is not
   * taken from `blocks`, where it would separate the pieces of a connection's output.
   */
  borrowBlock(size: number): Uint8Array;
  /**
   * Takes back a lent block, which nothing may refer to any more. Not every block has to be
   * returned.
   */
  returnBlock(block: Uint8Array): void;
}

const encoder = new TextEncoder();

/** Operations from web standards, for every platform. */
export const webByteOperations: ByteOperations = {
  allocate: (size) => new Uint8Array(size),
  blocks: new BlockPool((size) => new Uint8Array(size), 4096),
  mostUtf8Bytes: (text) => text.length * 3,
  writeUtf8: (text, target, at) => encoder.encodeInto(text, target.subarray(at)).written,
  isAscii: (bytes, start, end) => {
    let seen = 0;
    for (let at = start; at < end; at += 1) seen |= bytes[at]!;
    return seen < 0x80;
  },
  isKnownUtf8: () => false,
  borrowBlock: (size) => new Uint8Array(Math.max(4096, size)),
  returnBlock: () => {},
};
