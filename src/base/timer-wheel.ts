import type { Clock, Timer } from "./clock.ts";

/** A single deadline. It costs an object, not a timer of the platform. */
interface Deadline extends Timer {
  readonly expire: () => void;
}

/**
 * Many coarse deadlines on one timer.
 *
 * Handshake, close and lease times need no precision, but exist per connection. Here, each is an
 * entry in the slot of its tick. A deadline fires between its time and one tick later. Without
 * entries, no timer runs.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots = new Map<number, Set<Deadline>>();
  #timer: Timer | undefined;
  #tick = 0;
  #isClosed = false;

  constructor(clock: Clock, tickMs = 100) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  after(delayMs: number, expire: () => void): Timer {
    const now = this.#clock.now();
    // The first tick that begins after the deadline.
    const due = Math.ceil((now + Math.max(0, delayMs)) / this.#tickMs);
    const slot = this.#slots.get(due) ?? new Set<Deadline>();
    this.#slots.set(due, slot);
    const deadline: Deadline = {
      expire,
      cancel: () => {
        slot.delete(deadline);
        if (slot.size === 0 && this.#slots.get(due) === slot) this.#slots.delete(due);
      },
    };
    slot.add(deadline);
    if (this.#isClosed) return deadline;
    if (this.#timer === undefined) {
      this.#tick = Math.min(due, Math.floor(now / this.#tickMs));
      this.#schedule();
    }
    return deadline;
  }

  /** Cancels all deadlines. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    // Including those in the slot that is firing now.
    for (const slot of this.#slots.values()) slot.clear();
    this.#slots.clear();
    this.#isClosed = true;
  }

  /** Ticks begin at multiples of their length, so that their phase does not delay a deadline. */
  #schedule(): void {
    const now = this.#clock.now();
    const next = (Math.floor(now / this.#tickMs) + 1) * this.#tickMs;
    this.#timer = this.#clock.after(next - now, () => this.#turn());
  }

  #turn(): void {
    const now = Math.floor(this.#clock.now() / this.#tickMs);
    try {
      for (; this.#tick <= now && this.#slots.size > 0; this.#tick += 1) {
        const slot = this.#slots.get(this.#tick);
        if (slot === undefined) continue;
        for (const deadline of slot) {
          slot.delete(deadline);
          deadline.expire();
        }
        this.#slots.delete(this.#tick);
      }
    } finally {
      if (this.#slots.size > 0 && !this.#isClosed) this.#schedule();
      else this.#timer = undefined;
    }
  }
}
