import { describe, expect, test } from "vitest";
import { BlockPool, type Block } from "../../src/base/index.ts";

function countingPool(): { pool: BlockPool; sizes: number[] } {
  const sizes: number[] = [];
  const allocate = (size: number): Uint8Array => {
    sizes.push(size);
    return new Uint8Array(size);
  };
  return { pool: new BlockPool(allocate, 100), sizes };
}

function write(pool: BlockPool, size: number): { block: Block; at: number } {
  const block = pool.reserve(size);
  const at = block.position;
  block.position += size;
  block.pieces += 1;
  return { block, at };
}

describe("blocks for output", () => {
  test("many small pieces share one, one behind the other", () => {
    const { pool, sizes } = countingPool();
    expect(Array.from({ length: 10 }, () => write(pool, 10).at)).toEqual(
      Array.from({ length: 10 }, (_, index) => index * 10),
    );
    expect(sizes).toEqual([100]);
    expect(write(pool, 1).at).toBe(0);
    expect(sizes).toEqual([100, 100]);
  });

  test("are reused after their last piece is released, not before", () => {
    const { pool, sizes } = countingPool();
    const one = write(pool, 10);
    const two = write(pool, 10);
    pool.release(one.block);
    expect(write(pool, 10).at).toBe(20);
    pool.release(one.block);
    pool.release(two.block);
    expect(write(pool, 10).at).toBe(0);
    expect(sizes).toEqual([100]);
  });

  test("are kept when they are full and released, at most sixteen", () => {
    const { pool, sizes } = countingPool();
    const full = Array.from({ length: 20 }, () => write(pool, 100).block);
    for (const block of full) pool.release(block);
    for (let count = 0; count < 20; count += 1) write(pool, 100);
    // The last of the twenty was the current one, and is reused, too.
    expect(sizes).toHaveLength(20 + 20 - 16 - 1);
  });

  test("a piece that is too long for them gets memory of its own, which is not kept", () => {
    const { pool, sizes } = countingPool();
    write(pool, 10);
    const long = write(pool, 101);
    expect(long.at).toBe(0);
    expect(write(pool, 10).at).toBe(10);
    pool.release(long.block);
    write(pool, 101);
    expect(sizes).toEqual([100, 101, 101]);
  });
});
