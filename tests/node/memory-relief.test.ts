import { expect, test } from "vitest";
import { MemoryRelief } from "../../src/node/memory-relief.ts";

const MIB = 1024 * 1024;

/** A process of which a test says what it holds and does. */
class TestProcess {
  rss = 80 * MIB;
  cpu = 0;
  collections = 0;
  /** What a collection brings. */
  garbage = 0;
  readonly #relief: MemoryRelief;

  constructor() {
    this.#relief = new MemoryRelief({
      rssBytes: () => this.rss,
      cpuMs: () => this.cpu,
      collect: () => {
        this.collections += 1;
        this.rss -= this.garbage;
        this.garbage = 0;
      },
    });
  }

  /** Five seconds pass in which it computes for `cpuMs`. */
  pass(cpuMs = 0): void {
    this.cpu += cpuMs;
    this.#relief.check(5_000);
  }
}

test("a process that has grown and become quiet is collected", () => {
  const process = new TestProcess();
  process.rss = 300 * MIB;
  process.garbage = 200 * MIB;
  process.pass(4_000);
  expect(process.collections).toBe(0);
  process.pass(100);
  expect([process.collections, process.rss]).toEqual([1, 100 * MIB]);
});

test("it is collected again as long as that brings something, and then left alone", () => {
  const process = new TestProcess();
  process.rss = 400 * MIB;
  process.garbage = 100 * MIB;
  process.pass();
  process.garbage = 100 * MIB;
  process.pass();
  for (let count = 0; count < 10; count += 1) process.pass();
  expect(process.collections).toBe(3);
});

test("what is needed is not collected again and again; what comes on top of it is", () => {
  const process = new TestProcess();
  process.rss = 500 * MIB;
  for (let count = 0; count < 10; count += 1) process.pass();
  expect(process.collections).toBe(1);
  process.rss = 600 * MIB;
  for (let count = 0; count < 10; count += 1) process.pass();
  expect(process.collections).toBe(2);
});

test("growth of less than 32 MiB is not worth it", () => {
  const process = new TestProcess();
  process.rss = 111 * MIB;
  for (let count = 0; count < 10; count += 1) process.pass();
  expect(process.collections).toBe(0);
});
