import { describe, expect, test } from "vitest";
import { SliceQueue, type SliceTask } from "../../../src/topics/slices/slice-queue.ts";
import { SLICE_UNITS } from "../../../src/topics/slices/work.ts";
import { TurnClock } from "../../rigs/clock/turn-clock.ts";

function queue(): { clock: TurnClock; slices: SliceQueue } {
  const clock = new TurnClock();
  return { clock, slices: new SliceQueue(clock) };
}

/** A task of so many slices, which writes down when it had them. */
class LongTask implements SliceTask {
  readonly #slices: SliceQueue;
  readonly #payer: string;
  readonly #log: string[];
  readonly #units: number;
  #left: number;

  constructor(
    slices: SliceQueue,
    payer: string,
    { log, left, units = SLICE_UNITS }: { log: string[]; left: number; units?: number },
  ) {
    this.#slices = slices;
    this.#payer = payer;
    this.#log = log;
    this.#left = left;
    this.#units = units;
  }

  runSlice(): void {
    this.#log.push(this.#payer);
    this.#slices.charge(this.#payer, this.#units);
    this.#left -= 1;
    if (this.#left > 0) this.#slices.enqueue(this.#payer, this);
  }
}

describe("the slice queue", () => {
  test("runs one full slice per turn", () => {
    const { clock, slices } = queue();
    const log: string[] = [];
    slices.enqueue("a", new LongTask(slices, "a", { log, left: 3 }));
    expect(log).toEqual([]);
    for (let turn = 1; turn <= 3; turn += 1) {
      clock.turn();
      expect(log).toHaveLength(turn);
    }
    expect(slices.waiting).toBe(0);
  });

  test("runs many short slices in one turn", () => {
    const { clock, slices } = queue();
    const log: string[] = [];
    for (let at = 0; at < 10; at += 1) {
      slices.enqueue("a", new LongTask(slices, "a", { log, left: 1, units: 1_000 }));
    }
    clock.turn();
    expect(log).toHaveLength(10);
  });

  test("gives each payer its turn, however many tasks another payer has", () => {
    const { clock, slices } = queue();
    const log: string[] = [];
    for (let at = 0; at < 20; at += 1) {
      slices.enqueue("many", new LongTask(slices, "many", { log, left: 5 }));
    }
    slices.enqueue("one", new LongTask(slices, "one", { log, left: 5 }));
    clock.turns(12);
    expect(log.slice(0, 10).filter((payer) => payer === "one")).toHaveLength(5);
  });

  test("gives a payer whose slices cost three times as much a third of the slices", () => {
    const { clock, slices } = queue();
    const log: string[] = [];
    slices.enqueue("dear", new LongTask(slices, "dear", { log, left: 99, units: 3 * SLICE_UNITS }));
    slices.enqueue("cheap", new LongTask(slices, "cheap", { log, left: 99 }));
    clock.turns(40);
    expect(log.filter((payer) => payer === "dear")).toHaveLength(10);
  });

  test("lets a new payer run before one that has used more, but does not let it make up for the past", () => {
    const { clock, slices } = queue();
    const log: string[] = [];
    for (const payer of ["a", "b"]) {
      slices.enqueue(payer, new LongTask(slices, payer, { log, left: 100 }));
    }
    clock.turns(20);
    const before = log.length;
    slices.enqueue("late", new LongTask(slices, "late", { log, left: 100 }));
    clock.turns(12);
    const late = log.slice(before).filter((payer) => payer === "late").length;
    expect(log.slice(before, before + 3)).toContain("late");
    expect(late).toBeLessThanOrEqual(Math.ceil((log.length - before) / 3) + 1);
  });

  test("has no time for other work in a turn in which a slice ran, and has time again in the next", () => {
    const { clock, slices } = queue();
    slices.charge("a", SLICE_UNITS - 1);
    expect(slices.hasTime).toBe(true);
    slices.charge("a", 1);
    expect(slices.hasTime).toBe(false);
    clock.turn();
    expect(slices.hasTime).toBe(true);
  });

  test("continues after a slice that throws", () => {
    const { clock, slices } = queue();
    const log: string[] = [];
    const fails = (): void => {
      throw new Error("no");
    };
    slices.enqueue("a", { runSlice: fails });
    slices.enqueue("b", new LongTask(slices, "b", { log, left: 1 }));
    expect(() => clock.turn()).toThrow("no");
    clock.turn();
    expect(log).toEqual(["b"]);
  });

  test("keeps nothing for payers without work", () => {
    const { clock, slices } = queue();
    const task = { runSlice: () => {} };
    slices.enqueue("a", task);
    slices.cancel("a", task);
    slices.charge("a", 5);
    expect(slices.waiting).toBe(0);
    clock.turn();
    expect(slices.slices).toBe(0);
  });

  test("visits items immediately up to a slice, the rest later, including those added meanwhile", () => {
    const { clock, slices } = queue();
    const items = new Set([1, 2, 3, 4, 5]);
    const seen: number[] = [];
    const unitsOf = (): number => SLICE_UNITS / 2;
    const progress = slices.forEach("a", items, { unitsOf, visit: (item) => seen.push(item) });
    expect([seen, progress.isDone]).toEqual([[1, 2], false]);
    items.delete(4);
    items.add(6);
    clock.turns(5);
    expect([seen, progress.isDone]).toEqual([[1, 2, 3, 5, 6], true]);
  });

  test("does not begin in a turn that has no time left", () => {
    const { clock, slices } = queue();
    slices.charge("b", SLICE_UNITS);
    const seen: number[] = [];
    slices.forEach("a", [1, 2], { unitsOf: () => 1, visit: (item) => seen.push(item) });
    expect(seen).toEqual([]);
    clock.turn();
    expect(seen).toEqual([1, 2]);
  });

  test("ends a slice when the turn has lasted too long, even if few units were counted", () => {
    const { clock, slices } = queue();
    const seen: number[] = [];
    const visit = (item: number): void => {
      seen.push(item);
      // The application needs longer for an item than the units say.
      slices.charge("a", SLICE_UNITS / 64);
      clock.time += 4;
    };
    slices.forEach("a", [1, 2, 3, 4, 5, 6], { unitsOf: () => 1, visit });
    expect(seen).toEqual([1, 2, 3]);
    expect(slices.hasTime).toBe(false);
    clock.turn();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    clock.turns(2);
    expect(slices.hasTime).toBe(true);
  });

  test("on close finishes mandatory work and drops the rest", () => {
    const unitsOf = (): number => SLICE_UNITS;
    for (const mustFinish of [true, false]) {
      const { clock, slices } = queue();
      const seen: number[] = [];
      const visit = (item: number): void => void seen.push(item);
      slices.forEach("a", [1, 2, 3], { unitsOf, visit, mustFinish });
      slices.close();
      clock.turns(10);
      expect(seen).toEqual(mustFinish ? [1, 2, 3] : [1]);
    }
  });
});
