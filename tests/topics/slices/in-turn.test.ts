import { expect, test } from "vitest";
import { inTurn } from "../../../src/topics/slices/in-turn.ts";
import { SliceQueue } from "../../../src/topics/slices/slice-queue.ts";
import { SLICE_UNITS } from "../../../src/topics/slices/work.ts";
import { settle } from "../../live/memory-peer.ts";
import { TurnClock } from "./turn-clock.ts";

test("what there is time for is done at once, and costs no promise", () => {
  const slices = new SliceQueue(new TurnClock());
  expect(inTurn(slices, { payer: "ann", units: 10 }, () => "done")).toBe("done");
});

test("what there is no time for waits for a later turn, after the payers that have used less", async () => {
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

test("what throws rejects, and the others go on", async () => {
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
