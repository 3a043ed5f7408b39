import { expect, test } from "vitest";
import { Collector, ownHeap } from "../../../src/node/memory/collect-garbage.ts";

const MIB = 1024 * 1024;

/** A heap whose usage and duration of collections the test sets. */
class TestHeap {
  nowMs = 1_000;
  inUse = 20 * MIB;
  garbage = 0;
  pauseMs = 10;
  collections = 0;
  nudges = 0;
  readonly collector: Collector = new Collector({
    now: () => this.nowMs,
    usedBytes: () => this.inUse + this.garbage,
    collect: () => {
      this.collections += 1;
      this.garbage = 0;
      this.nowMs += this.pauseMs;
    },
    nudge: () => void (this.nudges += 1),
  });
}

test("a heap with little in use is collected synchronously", () => {
  const heap = new TestHeap();
  heap.garbage = 300 * MIB;
  expect(heap.collector.collect()).toBe(true);
  expect([heap.collections, heap.nudges, heap.garbage]).toEqual([1, 0, 0]);
});

test("the next collection waits for ten times the duration of the last one", () => {
  const heap = new TestHeap();
  heap.collector.collect();
  heap.nowMs += 99;
  expect(heap.collector.collect()).toBe(false);
  heap.nowMs += 1;
  expect(heap.collector.collect()).toBe(true);
  expect(heap.collections).toBe(2);
});

test("with more than 96 MiB in use, V8 is only nudged, because a collection would block the event loop", () => {
  const heap = new TestHeap();
  heap.inUse = 97 * MIB;
  heap.collector.collect();
  heap.nowMs += 60_000;
  heap.collector.collect();
  expect([heap.collections, heap.nudges]).toEqual([1, 1]);
});

test("a large heap with an unknown share of garbage is only nudged", () => {
  const heap = new TestHeap();
  heap.inUse = 513 * MIB;
  heap.collector.collect();
  expect([heap.collections, heap.nudges]).toEqual([0, 1]);
});

test("V8 collects unreferenced objects", () => {
  const heap = ownHeap();
  heap.collect();
  const grownTo = usedWithMany(heap);
  heap.collect();
  expect(heap.usedBytes()).toBeLessThan(grownTo - 10 * MIB);
});

function usedWithMany(heap: { usedBytes(): number }): number {
  const many = Array.from({ length: 500_000 }, (_, n) => ({ n }));
  return many.length === 0 ? 0 : heap.usedBytes();
}
