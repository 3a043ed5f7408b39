/** A timer that was set and can be taken back. */
export interface Timer {
  cancel(): void;
}

/** Where time comes from; tests and simulations bring their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch, possibly with a fraction; never goes back. */
  now(): number;
  /** The same as the wall clock shows it, which may be set, for what people see. Default: `now`. */
  wall?(): number;
  /** Calls `expire` once, `delayMs` from now. The timer alone keeps no process alive. */
  after(delayMs: number, expire: () => void): Timer;
}

export const systemClock: Clock = {
  // Not Date.now(): when an administrator sets the clock, no connection may time out of it.
  now: () => performance.timeOrigin + performance.now(),
  after: (delayMs, expire) => {
    // What is due by now may be due below 0, of which newer Nodes warn.
    const timer: { unref?: () => void } | number = setTimeout(expire, Math.max(0, delayMs));
    // Browsers give a number, Node an object that would keep the process alive.
    if (typeof timer === "object") timer.unref?.();
    return { cancel: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) };
  },
};
