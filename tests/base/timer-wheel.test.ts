import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TimerWheel } from "../../src/base/index.ts";
import { VirtualClock } from "../rigs/clock/virtual-clock.ts";

const TICK_MS = 100;

describe("a timer wheel", () => {
  test("fires a deadline once, at its time or up to one tick later", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(777), fc.integer({ min: 1, max: 2000 })), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.nat(99),
        (deadlines, startMs) => {
          const clock = new VirtualClock(startMs);
          const wheel = new TimerWheel(clock, TICK_MS);
          const late: number[] = [];
          for (const [waitMs, delayMs] of deadlines) {
            clock.advance(waitMs);
            const due = clock.now() + delayMs;
            wheel.after(delayMs, () => late.push(clock.now() - due));
          }
          clock.advance(5000);
          expect(late).toHaveLength(deadlines.length);
          for (const ms of late) {
            expect(ms).toBeGreaterThanOrEqual(0);
            expect(ms).toBeLessThanOrEqual(TICK_MS);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("never fires early, and at most three ticks late", () => {
    for (let phase = 0; phase < TICK_MS; phase += 7) {
      for (const delayMs of [0, 1, 50, 99, 100, 101, 250, 1000]) {
        const clock = new VirtualClock(1_000_000 + 13);
        const wheel = new TimerWheel(clock, TICK_MS);
        wheel.after(10_000, () => {});
        clock.advance(phase);
        const due = clock.now() + delayMs;
        let firedAt = 0;
        wheel.after(delayMs, () => (firedAt = clock.now()));
        clock.advance(delayMs - 1);
        expect(firedAt).toBe(0);
        clock.advance(3 * TICK_MS);
        expect(firedAt).toBeGreaterThanOrEqual(due);
      }
    }
  });

  test("fires in the order of ticks", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    const fired: number[] = [];
    for (const delayMs of [900, 100, 500, 300, 700]) {
      wheel.after(delayMs, () => fired.push(delayMs));
    }
    clock.advance(2000);
    expect(fired).toEqual([100, 300, 500, 700, 900]);
  });

  test("does not fire cancelled deadlines, even if cancelled twice, late or in the same tick", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    const fired: string[] = [];
    const cancelled = wheel.after(300, () => fired.push("cancelled"));
    const neighbour = wheel.after(300, () => fired.push("neighbour"));
    cancelled.cancel();
    cancelled.cancel();
    clock.advance(1000);
    neighbour.cancel();
    expect(fired).toEqual(["neighbour"]);
    wheel.after(300, () => second.cancel());
    const second = wheel.after(300, () => fired.push("second"));
    clock.advance(1000);
    expect(fired).toEqual(["neighbour"]);
  });

  test("accepts new deadlines during an expiry", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let fired = 0;
    const again = (): void => {
      fired += 1;
      if (fired < 5) wheel.after(200, again);
    };
    wheel.after(200, again);
    clock.advance(5000);
    expect(fired).toBe(5);
    expect(clock.timerCount).toBe(0);
  });

  test("needs one timer for any number of deadlines", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let fired = 0;
    for (let set = 0; set < 10_000; set += 1) wheel.after(set % 3000, () => (fired += 1));
    expect(clock.timerCount).toBe(1);
    clock.advance(4000);
    expect(fired).toBe(10_000);
  });

  test("has no timer before its first deadline and after its last", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    expect(clock.timerCount).toBe(0);
    wheel.after(100, () => {});
    clock.advance(1000);
    expect(clock.timerCount).toBe(0);
    let fired = false;
    wheel.after(100, () => (fired = true));
    clock.advance(1000);
    expect(fired).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  test("has no timer after all deadlines were cancelled, a tick later at most", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    const timer = wheel.after(3_600_000, () => {});
    timer.cancel();
    clock.advance(TICK_MS);
    expect(clock.timerCount).toBe(0);
  });

  test("fires all overdue deadlines after the computer slept, and continues", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    const fired: number[] = [];
    for (const delayMs of [100, 5000, 60_000, 10_000_000]) {
      wheel.after(delayMs, () => fired.push(delayMs));
    }
    clock.leap(3_600_000);
    expect(fired).toEqual([100, 5000, 60_000]);
    clock.advance(7_000_000);
    expect(fired).toEqual([100, 5000, 60_000, 10_000_000]);
    expect(clock.timerCount).toBe(0);
  });

  test("continues after an expiry that throws", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let fired = 0;
    wheel.after(100, () => {
      throw new Error("a bug of the owner");
    });
    wheel.after(100, () => (fired += 1));
    wheel.after(1000, () => (fired += 1));
    for (let step = 0; step < 30; step += 1) {
      try {
        clock.advance(TICK_MS);
      } catch {
        // The clock reports it, like a platform's handler for uncaught errors.
      }
    }
    expect(fired).toBe(2);
  });

  test("after close, it has no timer, and no deadline fires, whether set before or after", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let fired = 0;
    wheel.after(100, () => (fired += 1));
    wheel.after(10_000, () => (fired += 1));
    wheel.close();
    expect(clock.timerCount).toBe(0);
    const late = wheel.after(100, () => (fired += 1));
    expect(clock.timerCount).toBe(0);
    clock.advance(60_000);
    expect(fired).toBe(0);
    late.cancel();
    wheel.close();
  });

  test("closed by an expiry, it does not fire other deadlines of the same tick", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let fired = 0;
    for (let at = 0; at < 3; at += 1) {
      wheel.after(100, () => {
        fired += 1;
        wheel.close();
      });
    }
    clock.advance(1_000);
    expect(fired).toBe(1);
  });

  test("closed by an expiry, it has no timer, and later deadlines do not fire", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let fired = 0;
    wheel.after(100, () => {
      wheel.close();
      wheel.after(100, () => (fired += 1));
    });
    wheel.after(1_000, () => (fired += 1));
    // All are overdue, as after a sleep.
    clock.leap(5_000);
    clock.advance(60_000);
    expect([fired, clock.timerCount]).toEqual([0, 0]);
  });
});
