import type { Clock } from "../../base/index.ts";

/** A connection that may have died without notice. */
export interface Pulse {
  /** The index of its group; set by `watch`. */
  pulseGroup: number;
  /** Called once per interval. */
  checkPulse(): void;
}

/**
 * The number of groups that peers are divided into, so that they are not all pinged at the same
 * time.
 */
const GROUPS = 30;

/** Checks the pulse of every peer once per interval, with one timer. */
export class Keepalive {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #groups: Set<Pulse>[] = Array.from({ length: GROUPS }, () => new Set());
  #present = 0;
  #size = 0;
  #isRunning = false;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#stepMs = intervalMs / GROUPS;
  }

  /** Starts checking `one`, for the first time after a full interval. */
  watch(one: Pulse): void {
    // The group that was visited last is visited again after all others.
    one.pulseGroup = (this.#present + GROUPS - 1) % GROUPS;
    this.#groups[one.pulseGroup]!.add(one);
    this.#size += 1;
    this.#run();
  }

  forget(one: Pulse): void {
    if (this.#groups[one.pulseGroup]?.delete(one) === true) this.#size -= 1;
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#clock.after(this.#stepMs, () => {
      for (const one of this.#groups[this.#present]!) one.checkPulse();
      this.#present = (this.#present + 1) % GROUPS;
      this.#isRunning = false;
      if (this.#size > 0) this.#run();
    });
  }
}
