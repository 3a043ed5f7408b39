import type { Clock } from "../../../base/index.ts";

/**
 * The clock of the client's computer.
 *
 * Intervals use a monotonic clock that nobody can set; its zero has no meaning. Unlike on the
 * server, a timer keeps a Node process alive, because a client that waits to reconnect is not done.
 */
export const clientClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, expire) => {
    // A negative delay makes newer Node versions print a warning.
    const timer = setTimeout(expire, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The wall clock, in ms since the Unix epoch. */
export function wallNow(clock: Clock): number {
  return clock.wallTime?.() ?? clock.now();
}

/**
 * How far the wall clock may drift from the monotonic clock without having been set, in
 * milliseconds.
 */
const DRIFT_MS = 1_000;

/**
 * Within this time after waking up, a computer that slept long finds out that its connections are
 * dead.
 */
const PROOF_MS = 5_000;

/**
 * The time that has passed for a server, including the time that this computer slept.
 *
 * In some browsers `performance.now()` stops during sleep. (High Resolution Time §3) The wall clock
 * does not, so its lead over the monotonic clock counts as sleep. If a connection that is older
 * than the jump still works afterwards, the computer did not sleep: somebody set the clock.
 */
export class ServerTime {
  readonly #clock: Clock;
  /** How far the wall clock is ahead without any sleep. */
  #ahead: number;
  /** When the wall clock was first seen to have jumped, on the current connection. */
  jumpedAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ahead = this.#aheadNow;
  }

  now(): number {
    return this.#clock.now() + Math.max(0, this.#aheadNow - this.#ahead);
  }

  /** A message has arrived on the current connection. */
  onReceived(): void {
    const now = this.#clock.now();
    if (Math.abs(this.#aheadNow - this.#ahead) < DRIFT_MS) this.jumpedAt = undefined;
    else if (now - (this.jumpedAt ??= now) >= PROOF_MS) this.#ahead = this.#aheadNow;
  }

  get #aheadNow(): number {
    return wallNow(this.#clock) - this.#clock.now();
  }
}
