import { BlockPool, type ByteOperations } from "../base/index.ts";
import { allocateLong } from "./long-memory.ts";
import { writeText } from "./write-text.ts";
import { maskFast } from "./masking/kernel.ts";

/** Output of many connections in one turn, or an echo of what one read brought. */
const OUTPUT_BLOCK_BYTES = 64 * 1024;

/** Output of one turn mostly fits; larger needs get a block of their own. */
const BLOCK_BYTES = 16 * 1024;
/** From how many UTF-16 units on a text's bytes are counted before they are written. */
const COUNTED_FROM = 4 * 1024;
/** How many returned blocks are kept, in all 1 MiB. */
const KEPT_BLOCKS = 64;

const blocks: Uint8Array[] = [];

/** The protocol's byte operations on Node's buffers. */
export const nodeByteOperations: ByteOperations = {
  mask: maskFast,
  allocate: allocateLong,
  blocks: new BlockPool((size) => Buffer.allocUnsafeSlow(size), OUTPUT_BLOCK_BYTES),
  // Counting a short text takes longer than what it would save.
  mostUtf8Bytes: (text) =>
    text.length <= COUNTED_FROM ? text.length * 3 : Buffer.byteLength(text),
  writeUtf8: writeText,
  borrowBlock: (size) =>
    size > BLOCK_BYTES
      ? Buffer.allocUnsafeSlow(size)
      : (blocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)),
  returnBlock: (block) => {
    if (block.length === BLOCK_BYTES && blocks.length < KEPT_BLOCKS) blocks.push(block);
  },
};
