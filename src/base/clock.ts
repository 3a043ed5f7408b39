/** A timer that can be cancelled. */
export interface Timer {
  cancel(): void;
}

/** The source of time; tests and simulations use their own. */
export interface Clock {
  /**
   * The time for measuring intervals, in milliseconds, possibly with a fraction. It never goes back
   * and cannot be set. It starts at the time since the Unix epoch.
   */
  now(): number;
  /**
   * The time for comparing with other clocks, such as the expiry of a token: milliseconds since the
   * Unix epoch, according to the machine's clock. That clock can be set, and a machine can sleep.
   * Default: `now()`.
   */
  wallTime?(): number;
  /**
   * Calls `expire` once, `delayMs` from now, but after 24 days at the latest. The timer does not keep
   * the process alive.
   */
  after(delayMs: number, expire: () => void): Timer;
}

/** Returns the wall time of a clock. */
export function wallTimeOf(clock: Clock): number {
  return clock.wallTime?.() ?? clock.now();
}

/** Timers of runtimes expire at once if their delay is longer. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  // Not Date.now(), because connections must not time out when an administrator sets the clock.
  now: () => performance.timeOrigin + performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, expire) => {
    // The delay of an overdue timer may be negative, which newer versions of Node warn of.
    const delay = Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS);
    const timer: { unref?: () => void } | number = setTimeout(expire, delay);
    // Browsers return a number; Node returns an object that would keep the process alive.
    if (typeof timer === "object") timer.unref?.();
    return { cancel: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) };
  },
};
