import { isAscii, isUtf8 } from "node:buffer";
import { BlockPool, webByteOperations, type ByteOperations } from "../base/index.ts";
import { allocateLong } from "./memory/long-memory.ts";
import { writeText } from "./internals/write-text.ts";
import { maskFast } from "./masking/kernel.ts";

/** Output of many connections in one turn, or an echo of what one read brought. */
const OUTPUT_BLOCK_BYTES = 64 * 1024;

/** Output of one turn mostly fits; larger needs get a block of their own. */
const BLOCK_BYTES = 16 * 1024;
/** From how many UTF-16 units on a text's bytes are counted before they are written. */
const COUNTED_FROM = 4 * 1024;
/**
 * From how many bytes on Node's own checks are worth the call. Of 1,150 bytes they took 0.1 µs, where
 * an octet at a time took 1.2 for ASCII and 1.7 for Chinese.
 */
const CHECKED_FROM = 64;
/** How many returned blocks are kept, in all 1 MiB. */
const KEPT_BLOCKS = 64;

const blocks: Uint8Array[] = [];

/** The protocol's byte operations on Node's buffers. */
export const nodeByteOperations: ByteOperations = {
  mask: maskFast,
  allocate: allocateLong,
  blocks: new BlockPool(allocateLong, OUTPUT_BLOCK_BYTES),
  // Counting a short text takes longer than what it would save.
  mostUtf8Bytes: (text) =>
    text.length <= COUNTED_FROM ? text.length * 3 : Buffer.byteLength(text),
  writeUtf8: writeText,
  isAscii: (bytes, start, end) =>
    end - start < CHECKED_FROM
      ? webByteOperations.isAscii(bytes, start, end)
      : isAscii(bytes.subarray(start, end)),
  isKnownUtf8: (bytes, start, end) =>
    end - start >= CHECKED_FROM && isUtf8(bytes.subarray(start, end)),
  borrowBlock: (size) =>
    size > BLOCK_BYTES
      ? Buffer.allocUnsafeSlow(size)
      : (blocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)),
  returnBlock: (block) => {
    if (block.length === BLOCK_BYTES && blocks.length < KEPT_BLOCKS) blocks.push(block);
  },
};
