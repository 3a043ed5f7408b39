import { expect, test } from "vitest";
import { MemoryRelief } from "../../../src/node/memory/memory-relief.ts";

const MIB = 1024 * 1024;

/** A process whose memory the test sets. */
class TestProcess {
  rss = 80 * MIB;
  collections = 0;
  /** Whether the last collection is too recent for another one. */
  isTooSoon = false;
  /** The memory that a collection frees. */
  garbage = 0;
  cpuMs = 0;
  readonly #relief: MemoryRelief;

  constructor() {
    this.#relief = new MemoryRelief({
      rssBytes: () => this.rss,
      cpuMs: () => this.cpuMs,
      collect: () => {
        if (this.isTooSoon) return false;
        this.collections += 1;
        this.rss -= this.garbage;
        this.garbage = 0;
        return true;
      },
    });
  }

  pass(seconds: number, cpuMs = 0): void {
    for (let count = 0; count < seconds; count += 1) {
      this.cpuMs += cpuMs;
      this.#relief.check();
    }
  }
}

test("a process is collected once at its start", () => {
  const process = new TestProcess();
  process.pass(60);
  expect(process.collections).toBe(1);
});

test("a process that has grown is collected while that frees memory", () => {
  const process = new TestProcess();
  process.rss = 400 * MIB;
  process.garbage = 100 * MIB;
  process.pass(1);
  expect([process.collections, process.rss]).toEqual([2, 300 * MIB]);
  process.garbage = 200 * MIB;
  process.pass(60);
  expect([process.collections, process.rss]).toEqual([3, 100 * MIB]);
});

test("needed memory is tried six times and then left alone, but later growth is not", () => {
  const process = new TestProcess();
  process.rss = 500 * MIB;
  process.pass(60);
  expect(process.collections).toBe(1 + 6);
  process.rss = 640 * MIB;
  process.pass(60);
  expect(process.collections).toBe(1 + 6 + 6);
});

test("memory that could not be collected yet is not considered needed", () => {
  const process = new TestProcess();
  process.rss = 500 * MIB;
  process.isTooSoon = true;
  process.pass(60);
  process.isTooSoon = false;
  process.garbage = 400 * MIB;
  process.pass(1);
  expect([process.collections, process.rss]).toEqual([2, 100 * MIB]);
});

test("growth below 48 MiB does not cause a collection", () => {
  const process = new TestProcess();
  process.rss = 127 * MIB;
  process.pass(60);
  expect(process.collections).toBe(1);
});

test("what was needed under load is tried again when the load is over, and once more ten seconds later", () => {
  const process = new TestProcess();
  process.rss = 190 * MIB;
  process.pass(60, 900);
  expect(process.collections).toBe(1 + 6);
  process.pass(1);
  expect(process.collections).toBe(1 + 6);
  process.pass(10);
  expect(process.collections).toBe(1 + 6 + 6);
  process.garbage = 80 * MIB;
  process.pass(1);
  expect([process.collections, process.rss]).toEqual([1 + 6 + 6 + 1, 110 * MIB]);
  process.pass(600, 100);
  expect(process.collections).toBe(1 + 6 + 6 + 1);
});
