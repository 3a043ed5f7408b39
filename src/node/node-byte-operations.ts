import type { ByteOperations } from "../base/index.ts";

/** Output of one turn mostly fits; larger needs get a block of their own. */
const BLOCK_BYTES = 16 * 1024;
/** How many returned blocks are kept, in all 1 MiB. */
const KEPT_BLOCKS = 64;

const blocks: Uint8Array[] = [];

/** The protocol's byte operations on Node's buffers. */
export const nodeByteOperations: ByteOperations = {
  allocate: (size) => Buffer.allocUnsafeSlow(size),
  writeUtf8: (text, target, at) => (target as Buffer).write(text, at, "utf8"),
  borrowBlock: (size) =>
    size > BLOCK_BYTES
      ? Buffer.allocUnsafeSlow(size)
      : (blocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)),
  returnBlock: (block) => {
    if (block.length === BLOCK_BYTES && blocks.length < KEPT_BLOCKS) blocks.push(block);
  },
};
