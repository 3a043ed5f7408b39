import type { Clock, Timer } from "../base/index.ts";
import { timersOn, type AppTimers } from "./app-timers.ts";
import { settled } from "./settled.ts";

interface Scheduled {
  readonly at: number;
  readonly expire: () => void;
}

/**
 * A clock whose time advances only when a test advances it.
 *
 * Timers fire in the order of their times, and at equal times in the order in which they were set.
 * They see exactly their time as `now()`. The start is not a round number, as with real clocks.
 */
export class VirtualClock implements Clock {
  /** `setTimeout`, `setInterval` and their `clear…` functions, for the application's own timers. */
  readonly timers: AppTimers = timersOn(this);
  #now: number;
  /** How far the wall clock was set forward, in milliseconds. */
  #setBy = 0;
  readonly #scheduled = new Set<Scheduled>();

  /** @param startMs the initial time, in ms since the Unix epoch */
  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now + this.#setBy;
  }

  /** Sets the wall clock forward or back; no time passes. */
  set(byMs: number): void {
    this.#setBy += byMs;
  }

  /** The number of pending timers. */
  get timerCount(): number {
    return this.#scheduled.size;
  }

  /** When the next timer fires, in ms since the Unix epoch; `undefined` if none is pending. */
  get nextTimerAt(): number | undefined {
    return this.#nextUntil(Number.POSITIVE_INFINITY)?.at;
  }

  after(delayMs: number, expire: () => void): Timer {
    const scheduled: Scheduled = { at: this.#now + Math.max(0, delayMs), expire };
    this.#scheduled.add(scheduled);
    return { cancel: () => void this.#scheduled.delete(scheduled) };
  }

  /**
   * Advances by `ms` milliseconds and fires what becomes due, including timers set meanwhile.
   *
   * @throws what a timer's callback throws; the clock then stands at that timer
   */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#nextUntil(until); next !== undefined; next = this.#nextUntil(until)) {
      this.#scheduled.delete(next);
      this.#now = next.at;
      next.expire();
    }
    this.#now = until;
  }

  /**
   * Advances by `ms` in one step, as if the computer had slept: timers that became due fire late.
   */
  leap(ms: number): void {
    this.#now += ms;
    const due = [...this.#scheduled].filter(({ at }) => at <= this.#now);
    for (const scheduled of due.sort((a, b) => a.at - b.at)) {
      if (this.#scheduled.delete(scheduled)) scheduled.expire();
    }
  }

  /**
   * Advances by `ms`, and lets promises settle before each step, so that their consequences happen
   * before the next timer fires.
   */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let next = this.#nextUntil(until); next !== undefined; next = this.#nextUntil(until)) {
      this.#scheduled.delete(next);
      this.#now = next.at;
      next.expire();
      // Timers of the same time fire together.
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
