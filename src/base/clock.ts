/** A timer that was set and can be taken back. */
export interface Timer {
  cancel(): void;
}

/** Where time comes from; tests and simulations bring their own. */
export interface Clock {
  /**
   * For intervals: milliseconds, possibly with a fraction, that never go back and that nobody sets.
   * They began as the time since the Unix epoch.
   */
  now(): number;
  /**
   * For what others compare with their own clocks, such as when a token ends: milliseconds since
   * the Unix epoch, as the machine's clock says it now. It may be set, and a machine may sleep.
   * Default: `now()`.
   */
  wallTime?(): number;
  /** Calls `expire` once, `delayMs` from now. The timer alone keeps no process alive. */
  after(delayMs: number, expire: () => void): Timer;
}

/** What the clock on the wall says. */
export function wallTimeOf(clock: Clock): number {
  return clock.wallTime?.() ?? clock.now();
}

export const systemClock: Clock = {
  // Not Date.now(): when an administrator sets the clock, no connection may time out of it.
  now: () => performance.timeOrigin + performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, expire) => {
    // What is due by now may be due below 0, of which newer Nodes warn.
    const timer: { unref?: () => void } | number = setTimeout(expire, Math.max(0, delayMs));
    // Browsers give a number, Node an object that would keep the process alive.
    if (typeof timer === "object") timer.unref?.();
    return { cancel: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) };
  },
};
