import { expect, test } from "vitest";
import { ThreadTurns } from "../../../src/node/deflate/thread-turns.ts";

test("four run at a time, the others in order, and a turn is returned once", () => {
  const turns = new ThreadTurns();
  const running: number[] = [];
  const back: (() => void)[] = [];
  for (let number = 0; number < 8; number += 1) {
    turns.take((giveBack) => {
      running.push(number);
      back.push(giveBack);
    });
  }
  expect(running).toEqual([0, 1, 2, 3]);
  back[2]!();
  back[2]!();
  expect(running).toEqual([0, 1, 2, 3, 4]);
  for (const giveBack of back.slice()) giveBack();
  expect(running).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
