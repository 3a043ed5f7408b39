import type { Clock, Timer } from "../base/index.ts";
import { settled } from "./settled.ts";

interface Scheduled {
  readonly at: number;
  readonly expire: () => void;
}

/**
 * A clock whose time moves only when a test says so.
 *
 * Timers fire in the order of their times, those of the same time in the order they were set, and
 * see `now()` at exactly their time. The start is off any round number, as real clocks are.
 */
export class VirtualClock implements Clock {
  #now: number;
  /** By how much the clock on the wall was set. */
  #setBy = 0;
  readonly #scheduled = new Set<Scheduled>();

  /** @param startMs the time that it begins with, in ms since the Unix epoch */
  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now + this.#setBy;
  }

  /** Somebody sets the clock on the wall forward, or back: no time passes by that. */
  set(byMs: number): void {
    this.#setBy += byMs;
  }

  /** How many timers wait. */
  get timerCount(): number {
    return this.#scheduled.size;
  }

  after(delayMs: number, expire: () => void): Timer {
    const scheduled: Scheduled = { at: this.#now + Math.max(0, delayMs), expire };
    this.#scheduled.add(scheduled);
    return { cancel: () => void this.#scheduled.delete(scheduled) };
  }

  /** Lets `ms` pass, and fires what becomes due meanwhile, also what was set meanwhile. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#nextUntil(until); next !== undefined; next = this.#nextUntil(until)) {
      this.#scheduled.delete(next);
      this.#now = next.at;
      next.expire();
    }
    this.#now = until;
  }

  /** Lets `ms` pass at once, as when a computer slept: what is due fires only now, and late. */
  leap(ms: number): void {
    this.#now += ms;
    const due = [...this.#scheduled].filter(({ at }) => at <= this.#now);
    for (const scheduled of due.sort((a, b) => a.at - b.at)) {
      if (this.#scheduled.delete(scheduled)) scheduled.expire();
    }
  }

  /**
   * Lets `ms` pass, and each time before it goes on everything that has begun come to its end: what
   * a promise led to is done before the next timer fires.
   */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let next = this.#nextUntil(until); next !== undefined; next = this.#nextUntil(until)) {
      this.#scheduled.delete(next);
      this.#now = next.at;
      next.expire();
      // Those of the same time belong together.
      if (this.#nextUntil(next.at) === undefined) await settled();
    }
    this.#now = until;
  }

  #nextUntil(until: number): Scheduled | undefined {
    let next: Scheduled | undefined;
    for (const scheduled of this.#scheduled) {
      if (scheduled.at <= until && (next === undefined || scheduled.at < next.at)) next = scheduled;
    }
    return next;
  }
}
