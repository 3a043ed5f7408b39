import { expect, test } from "vitest";
import { inTurn } from "../../../src/topics/slices/in-turn.ts";
import { SliceQueue } from "../../../src/topics/slices/slice-queue.ts";
import { SLICE_UNITS } from "../../../src/topics/slices/work.ts";
import { settle } from "../../rigs/live/memory-peer.ts";
import { TurnClock } from "../../rigs/clock/turn-clock.ts";

test("work runs immediately without a promise if the turn has time", () => {
  const slices = new SliceQueue(new TurnClock());
  expect(inTurn(slices, { payer: "ann", units: 10 }, () => "done")).toBe("done");
});

test("work waits for a later turn, after payers that have used less, if the turn has no time", async () => {
  const clock = new TurnClock();
  const slices = new SliceQueue(clock);
  const order: string[] = [];
  const ask = (payer: string, units: number): void => {
    void inTurn(slices, { payer, units }, () => order.push(payer));
  };
  ask("ann", SLICE_UNITS);
  ask("ann", SLICE_UNITS);
  ask("ann", SLICE_UNITS);
  ask("bob", 10);
  expect(order).toEqual(["ann"]);
  clock.turn();
  await settle();
  expect(order.slice(0, 2)).toContain("bob");
  for (let turns = 0; turns < 4; turns += 1) clock.turn();
  await settle();
  expect(order).toHaveLength(4);
});

test("an error of the work becomes a rejection, and the others continue", async () => {
  const clock = new TurnClock();
  const slices = new SliceQueue(clock);
  slices.charge("ann", SLICE_UNITS);
  const failing = inTurn(slices, { payer: "ann", units: 1 }, () => {
    throw new Error("no");
  });
  const other = inTurn(slices, { payer: "bob", units: 1 }, () => "yes");
  const told = expect(failing).rejects.toThrow("no");
  for (let turns = 0; turns < 3; turns += 1) clock.turn();
  await told;
  expect(await other).toBe("yes");
});
