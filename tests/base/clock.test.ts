import { describe, expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/base/index.ts";
import { VirtualClock } from "../rigs/clock/virtual-clock.ts";

describe("the system clock", () => {
  test("returns milliseconds since the Unix epoch and never goes back", () => {
    const before = systemClock.now();
    expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
    for (let look = 0; look < 1000; look += 1) {
      expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    }
  });

  test("sets no timer with a negative delay, which newer versions of Node warn of", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    onTestFinished(() => set.mockRestore());
    await new Promise<void>((resolve) => void systemClock.after(-0.01, resolve));
    expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
  });

  test("calls once after the delay, and not at all if cancelled", async () => {
    let called = 0;
    systemClock.after(1, () => (called += 1));
    systemClock.after(1, () => (called += 100)).cancel();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(called).toBe(1);
  });
});

describe("the tests' virtual clock", () => {
  test("fires timers in order of their times, at those times, including timers set meanwhile", () => {
    const clock = new VirtualClock(0);
    const fired: [string, number][] = [];
    clock.after(30, () => fired.push(["c", clock.now()]));
    clock.after(10, () => {
      fired.push(["a", clock.now()]);
      clock.after(5, () => fired.push(["b", clock.now()]));
    });
    clock.after(10, () => fired.push(["a2", clock.now()]));
    const cancelled = clock.after(12, () => fired.push(["never", 0]));
    cancelled.cancel();
    clock.advance(29);
    expect(fired).toEqual([
      ["a", 10],
      ["a2", 10],
      ["b", 15],
    ]);
    clock.advance(1);
    expect(fired.at(-1)).toEqual(["c", 30]);
    expect([clock.now(), clock.timerCount]).toEqual([30, 0]);
  });
});
