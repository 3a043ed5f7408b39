import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../src/testing/index.ts";

/** A clock's timers, and what has fired, each with the time since the start. */
function start() {
  const clock = new VirtualClock();
  const started = clock.now();
  const fired: string[] = [];
  const note = (name: string): void => void fired.push(`${name} at ${clock.now() - started}`);
  return { clock, ...clock.timers, fired, note };
}

describe("the timers of an application on the kit's clock", () => {
  test("fire in the order of their times, among the clock's own timers", () => {
    const { clock, setTimeout, setInterval, fired, note } = start();
    setTimeout(note, 30, "late");
    setInterval(note, 20, "tick");
    clock.after(10, () => note("own"));
    setTimeout(note, 10, "early");
    expect(fired).toEqual([]);
    clock.advance(40);
    expect(fired).toEqual(["own at 10", "early at 10", "tick at 20", "late at 30", "tick at 40"]);
  });

  test("fire during pass, after the promises of earlier ones have settled", async () => {
    const { clock, setTimeout, fired, note } = start();
    setTimeout(async () => {
      await Promise.resolve();
      setTimeout(note, 5, "inner");
    }, 10);
    setTimeout(note, 20, "outer");
    await clock.pass(20);
    expect(fired).toEqual(["inner at 15", "outer at 20"]);
  });

  test("do not fire once they are cleared, also by their own callback", () => {
    const { clock, setTimeout, setInterval, clearTimeout, clearInterval, fired, note } = start();
    clearTimeout(setTimeout(note, 10, "cleared"));
    const ticking = setInterval(() => {
      note("tick");
      clearInterval(ticking);
    }, 10);
    clearTimeout(undefined);
    clock.advance(100);
    expect(fired).toEqual(["tick at 10"]);
    expect(clock.timerCount).toBe(0);
  });

  test.each([undefined, 0, -5, Number.NaN])(
    "a delay of %s is 1 ms, so that an interval cannot stop the clock",
    (delayMs) => {
      const { clock, setInterval, setTimeout, fired, note } = start();
      setTimeout(() => note("once"), delayMs);
      setInterval(() => note("tick"), delayMs);
      clock.advance(2);
      expect(fired).toEqual(["once at 1", "tick at 1", "tick at 2"]);
    },
  );

  test("an error reaches the test that advances the clock, and an interval continues", () => {
    const { clock, setInterval, fired, note } = start();
    setInterval(() => {
      note("tick");
      if (fired.length === 1) throw new Error("broken");
    }, 10);
    expect(() => clock.advance(30)).toThrow("broken");
    clock.advance(10);
    expect(fired).toEqual(["tick at 10", "tick at 20"]);
  });
});
