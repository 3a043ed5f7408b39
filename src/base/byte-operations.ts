import { BlockPool } from "./block-pool.ts";

/**
 * What a platform does to bytes faster than portable code can.
 *
 * The protocol takes them as a parameter, so that it runs the same in Node and anywhere else.
 */
export interface ByteOperations {
  /** Returns `size` bytes whose content is undefined; the caller overwrites all that it shows. */
  allocate(size: number): Uint8Array;
  /** At least as many bytes as `text` has in UTF-8; exact where that is worth counting. */
  mostUtf8Bytes(text: string): number;
  /**
   * Writes `text` as UTF-8 into `target` from `at` and returns the number of bytes written. The
   * caller has made room for `mostUtf8Bytes`. A lone surrogate becomes U+FFFD.
   */
  writeUtf8(text: string, target: Uint8Array, at: number): number;
  /**
   * XORs `bytes` from `start` to `end` with a masking key, in place; see `mask` in
   * `src/protocol/frames/masking.ts`, which is used without it.
   */
  mask?: (bytes: Uint8Array, start: number, end: number, key: number, phase: number) => number;
  /** Room for output. */
  readonly blocks: BlockPool;
  /** Whether `bytes` from `start` to `end` are ASCII. */
  isAscii(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * Whether `bytes` from `start` to `end` are known to be UTF-8 by themselves. False says nothing:
   * then they have to be looked at one by one.
   */
  isKnownUtf8(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * Lends a block of at least `size` bytes for a text that is about to be compressed. Not of
   * `blocks`, where it would come between the pieces of one connection's output.
   */
  borrowBlock(size: number): Uint8Array;
  /** Takes a lent block back; nothing refers to it any more. Not every block comes back. */
  returnBlock(block: Uint8Array): void;
}

const encoder = new TextEncoder();

/** Web-standard operations, for every platform. */
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
