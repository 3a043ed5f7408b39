import { isAscii, isUtf8 } from "node:buffer";
import { BlockPool, webByteOperations, type ByteOperations } from "../base/index.ts";
import { allocateLong } from "./memory/long-memory.ts";
import { writeText } from "./internals/write-text.ts";
import { maskFast } from "./masking/kernel.ts";

/** The output of many connections in one turn, or an echo of everything that one read returned. */
const OUTPUT_BLOCK_BYTES = 64 * 1024;

/** Large enough for most outputs of one turn; larger ones get a block of their own. */
const BLOCK_BYTES = 16 * 1024;
/**
 * From this length on, in UTF-16 code units, the bytes of a text are counted before they are
 * written.
 */
const COUNTED_FROM = 4 * 1024;
/**
 * From this length on, Node's own checks are worth the call. For 1,150 bytes they took 0.1 µs;
 * octet by octet it was 1.2 µs for ASCII and 1.7 µs for Chinese.
 */
const CHECKED_FROM = 64;
/** The maximum number of returned blocks to keep, 1 MiB in total. */
const KEPT_BLOCKS = 64;

const blocks: Uint8Array[] = [];

/** The protocol's byte operations, implemented with Node's buffers. */
export const nodeByteOperations: ByteOperations = {
  mask: maskFast,
  allocate: allocateLong,
  blocks: new BlockPool(allocateLong, OUTPUT_BLOCK_BYTES),
  // For a short text, counting costs more than it saves.
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
