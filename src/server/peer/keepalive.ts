import type { Clock } from "../../base/index.ts";

/** Something that may have died silently. */
export interface Pulse {
  /** In which group it is; set by `watch`. */
  pulseGroup: number;
  /** Called once per interval. */
  checkPulse(): void;
}

/** Into how many groups peers are dealt, so that they are not all pinged at once. */
const GROUPS = 30;

/** One timer that lets every peer's pulse be checked once per interval. */
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

  /** Starts checking `one`, first after a whole interval. */
  watch(one: Pulse): void {
    // The group visited last comes again after all others.
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
