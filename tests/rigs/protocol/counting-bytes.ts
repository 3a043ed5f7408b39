import { BlockPool, webByteOperations, type ByteOperations } from "../../../src/base/index.ts";

/** Byte operations that count allocations, and return memory filled with stale data. */
export class CountingBytes implements ByteOperations {
  /** The content of uninitialised memory. */
  static readonly stale = 0xaa;
  allocations = 0;
  allocatedBytes = 0;
  largestBytes = 0;

  allocate(size: number): Uint8Array {
    this.allocations += 1;
    this.allocatedBytes += size;
    this.largestBytes = Math.max(this.largestBytes, size);
    return new Uint8Array(size).fill(CountingBytes.stale);
  }

  /** Output uses other memory, which is not counted. */
  readonly blocks: BlockPool = new BlockPool(
    (size) => new Uint8Array(size).fill(CountingBytes.stale),
    4096,
  );

  /** Blocks that were lent and not returned yet. */
  readonly lent = new Set<Uint8Array>();

  borrowBlock(size: number): Uint8Array {
    const block = new Uint8Array(size > 4096 ? size : 4096).fill(CountingBytes.stale);
    this.lent.add(block);
    return block;
  }

  returnBlock(block: Uint8Array): void {
    if (!this.lent.delete(block)) throw new Error("A block was returned that had not been lent.");
    // Makes later reads of the block visible.
    block.fill(CountingBytes.stale);
  }

  mostUtf8Bytes(text: string): number {
    return webByteOperations.mostUtf8Bytes(text);
  }

  writeUtf8(text: string, target: Uint8Array, at: number): number {
    return webByteOperations.writeUtf8(text, target, at);
  }

  isAscii(bytes: Uint8Array, start: number, end: number): boolean {
    return webByteOperations.isAscii(bytes, start, end);
  }

  isKnownUtf8(): boolean {
    return false;
  }
}
