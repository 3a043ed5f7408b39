import { describe, expect, test } from "vitest";
import { joinedOnce, whileManyWrite } from "../../../src/node/stream/joined-chunks.ts";

const frames = (): Uint8Array[] => [Uint8Array.of(1, 2), Uint8Array.of(3)];

describe("chunks that are written together", () => {
  test("are joined in order", () => {
    expect([...joinedOnce(frames())!]).toEqual([1, 2, 3]);
  });

  test("are joined once, while many connections write the same", () => {
    const same = frames();
    whileManyWrite(() => {
      const joined = joinedOnce([...same]);
      expect(joinedOnce([...same])).toBe(joined);
      expect([...joinedOnce(same.toReversed())!]).toEqual([3, 1, 2]);
      expect([...joinedOnce(same.slice(0, 1))!]).toEqual([1, 2]);
      expect([...joinedOnce(same)!]).toEqual([1, 2, 3]);
    });
  });

  test("are joined again when they may have changed since", () => {
    const same = frames();
    whileManyWrite(() => joinedOnce(same));
    same[0]![0] = 9;
    expect([...joinedOnce(same)!]).toEqual([9, 2, 3]);
    same[0]![0] = 8;
    expect([...joinedOnce(same)!]).toEqual([8, 2, 3]);
    whileManyWrite(() => expect([...joinedOnce(same)!]).toEqual([8, 2, 3]));
  });

  test("are joined again even after a failed write", () => {
    const same = frames();
    const failing = (): void =>
      whileManyWrite(() => {
        joinedOnce(same);
        throw new Error("broken");
      });
    expect(failing).toThrow("broken");
    same[0]![0] = 9;
    expect([...joinedOnce(same)!]).toEqual([9, 2, 3]);
  });

  test("are not joined if they are long, but passed to the kernel as a list", () => {
    expect(joinedOnce([new Uint8Array(16 * 1024), new Uint8Array(1)])).toBeUndefined();
    expect(joinedOnce([new Uint8Array(16 * 1024)])).toHaveLength(16 * 1024);
  });
});
