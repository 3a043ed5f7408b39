import type { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import type { Random } from "../../rigs/random.ts";

/** By how much the wall clock is set, in milliseconds: corrections, and a wrong time zone. */
const SETTINGS: readonly number[] = [-7_200_000, -60_000, -2_000, 2_000, 60_000, 7_200_000];

/** How long the machine sleeps, in milliseconds. */
const SLEEPS: readonly number[] = [2_000, 20_000, 20_000, 200_000];

/**
 * A sleep from this length on may outlast leases, which is documented: they last 75 s, and are
 * renewed every 25 s.
 */
const LONG_SLEEP_MS = 50_000;

/** Now and then nothing happens for so long that the server must notice a wall clock that was set. */
const QUIET_MS = 40_000;

/** How long a server refuses new clients after a sleep, which looks like an overload to it. */
const LAG_MS = 1_000;

/**
 * What happens to the clocks of the server's machine.
 *
 * The wall clock is set, or the machine sleeps: timers are late, and both clocks have advanced. On
 * systems whose monotonic time stops during sleep, a sleep looks like a wall clock that was set
 * forward.
 */
export class ClockFaults {
  readonly clock: VirtualClock;
  readonly #random: Random;
  /** The monotonic time at which the wall clock was last set. */
  setAt: number = Number.NEGATIVE_INFINITY;
  #sleptAt: number = Number.NEGATIVE_INFINITY;
  /** Whether the machine is in a sleep that may outlast leases. */
  isInLongSleep = false;
  clocksSet = 0;
  sleeps = 0;

  constructor(clock: VirtualClock, random: Random) {
    this.clock = clock;
    this.#random = random;
  }

  /** Whether the server may still refuse new clients because of a sleep. */
  get hasJustSlept(): boolean {
    return this.clock.now() - this.#sleptAt <= LAG_MS;
  }

  /** @returns whether the wall clock was set */
  act(): boolean {
    const roll = this.#random.next();
    if (roll < 0.04) this.#set();
    else if (roll < 0.06) this.#sleep();
    else if (roll < 0.09) this.clock.advance(QUIET_MS);
    return roll < 0.04;
  }

  #set(): void {
    this.clocksSet += 1;
    this.clock.set(this.#random.pick(SETTINGS));
    this.setAt = this.clock.now();
  }

  #sleep(): void {
    this.sleeps += 1;
    const ms = this.#random.pick(SLEEPS);
    this.isInLongSleep = ms >= LONG_SLEEP_MS;
    this.clock.leap(ms);
    this.isInLongSleep = false;
    this.#sleptAt = this.clock.now();
  }
}
