import type { Clock, Timer } from "../../../src/base/index.ts";

/** A clock whose time stands still until a test sets it: it fires timers that are due now, one turn at a time. */
export class TurnClock implements Clock {
  time = 1_000;
  #due = new Set<() => void>();

  now(): number {
    return this.time;
  }

  after(delayMs: number, expire: () => void): Timer {
    const fire = (): void => expire();
    if (delayMs === 0) this.#due.add(fire);
    return { cancel: () => void this.#due.delete(fire) };
  }

  /** Fires the timers that were set before this turn. */
  turn(): void {
    const due = this.#due;
    this.#due = new Set();
    for (const fire of due) fire();
  }

  /** Runs `count` turns. */
  turns(count: number): void {
    for (let turn = 0; turn < count; turn += 1) this.turn();
  }
}
