import { wallTimeOf, type Clock, type Timer, type TimerWheel } from "../../../base/index.ts";

/** The longest time until a clock change or a suspended machine is noticed, in milliseconds. */
const LOOK_MS = 30_000;

/**
 * Calls `ended` when the wall clock reaches `expiresAt`. A clock change or a suspended machine is
 * noticed within half a minute.
 */
export function onExpiry(
  { clock, wheel }: { clock: Clock; wheel: TimerWheel },
  expiresAt: number,
  ended: () => void,
): Timer {
  const leftMs = (): number => Math.max(0, expiresAt - wallTimeOf(clock));
  const wait = (): Timer => wheel.after(Math.min(leftMs(), LOOK_MS), look);
  const look = (): void => {
    if (leftMs() === 0) ended();
    else timer = wait();
  };
  let timer = wait();
  return { cancel: () => timer.cancel() };
}
