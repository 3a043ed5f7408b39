import { expect, onTestFinished, test, vi } from "vitest";
import { clientClock, ServerTime } from "../../../../src/live/client/link/client-clock.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";

test("a timer never gets a negative delay, of which newer Node versions warn", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => set.mockRestore());
  await new Promise<void>((resolve) => void clientClock.after(-0.01, resolve));
  expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
});

test("setting the wall clock affects only the displayed time, not intervals", () => {
  const wall = vi.spyOn(Date, "now").mockReturnValue(1_000_000);
  vi.spyOn(performance, "now").mockReturnValue(50);
  onTestFinished(() => void vi.restoreAllMocks());
  const before = clientClock.now();
  wall.mockReturnValue(9_000_000);
  expect(clientClock.now() - before).toBe(0);
  expect(clientClock.wallTime?.()).toBe(9_000_000);
});

/** A virtual clock beside a wall clock that can be set, or goes on while the computer sleeps. */
function twoClocks() {
  const clock = new VirtualClock();
  let aheadMs = 0;
  const wallTime = (): number => clock.now() + aheadMs;
  const time = new ServerTime(Object.assign(clock, { wallTime }));
  return { clock, time, set: (ms: number) => (aheadMs += ms) };
}

test("what the wall clock gains counts as sleep until there is evidence against it", () => {
  const { clock, time, set } = twoClocks();
  const started = time.now();
  set(600_000);
  clock.advance(10);
  expect(time.now() - started).toBe(600_010);
});

test("a message that arrives right after sleep was sent before it, and proves nothing", () => {
  const { clock, time, set } = twoClocks();
  const started = time.now();
  set(600_000);
  time.onReceived();
  clock.advance(4_999);
  time.onReceived();
  expect(time.now() - started).toBe(604_999);
});

test("a connection that still works five seconds after the jump shows that the clock was set", () => {
  const { clock, time, set } = twoClocks();
  const started = time.now();
  set(600_000);
  time.onReceived();
  clock.advance(5_000);
  time.onReceived();
  expect(time.now() - started).toBe(5_000);
  // Set back as well; a sleep after that is seen.
  set(-600_000);
  time.onReceived();
  clock.advance(5_000);
  time.onReceived();
  set(300_000);
  expect(time.now() - started).toBe(310_000);
});
