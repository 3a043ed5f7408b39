import type { Clock } from "../../base/index.ts";

/**
 * The time of a client's computer.
 *
 * Intervals are measured by a clock that nobody can set, and its zero means nothing. A timer keeps a
 * Node process alive here: a client that waits to connect again is not done.
 */
export const clientClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, expire) => {
    // What is due by now may be due below 0, of which newer Nodes warn.
    const timer = setTimeout(expire, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The time that people see. */
export function wallNow(clock: Clock): number {
  return clock.wallTime?.() ?? clock.now();
}

/** How far the wall clock may drift from the other one without having been set, in milliseconds. */
const DRIFT_MS = 1_000;

/** A computer that slept long is told within this time that its connections are over. */
const PROOF_MS = 5_000;

/**
 * The time that has passed for a server, also while this computer slept.
 *
 * In some browsers `performance.now()` stands still meanwhile. (High Resolution Time §3) The wall
 * clock goes on, so what it is ahead counts as sleep, until a connection that is older than that
 * has shown that it still works: then somebody has set the clock.
 */
export class ServerTime {
  readonly #clock: Clock;
  /** How far the wall clock is ahead without any sleep. */
  #ahead: number;
  /** Since when it has been known, on one connection, to be another number. */
  jumpedAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ahead = this.#aheadNow;
  }

  now(): number {
    return this.#clock.now() + Math.max(0, this.#aheadNow - this.#ahead);
  }

  /** Something has come on the present connection. */
  onHeard(): void {
    const now = this.#clock.now();
    if (Math.abs(this.#aheadNow - this.#ahead) < DRIFT_MS) this.jumpedAt = undefined;
    else if (now - (this.jumpedAt ??= now) >= PROOF_MS) this.#ahead = this.#aheadNow;
  }

  get #aheadNow(): number {
    return wallNow(this.#clock) - this.#clock.now();
  }
}
