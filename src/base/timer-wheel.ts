import type { Clock, Timer } from "./clock.ts";

/** One thing that is due at some time. It costs an object, not a timer of the platform. */
interface Deadline extends Timer {
  readonly expire: () => void;
}

/**
 * Many coarse deadlines on one timer.
 *
 * Handshake, close and lease times need no precision but exist per connection; here each is an
 * entry in the slot of its tick. A deadline fires between its time and one tick later. With no
 * entries no timer runs.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots = new Map<number, Set<Deadline>>();
  #timer: Timer | undefined;
  #tick = 0;

  constructor(clock: Clock, tickMs = 100) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  after(delayMs: number, expire: () => void): Timer {
    if (this.#timer === undefined) this.#start();
    // One tick more, because the present tick is already partly over.
    const due = this.#currentTick() + Math.max(1, Math.ceil(delayMs / this.#tickMs)) + 1;
    const slot = this.#slots.get(due) ?? new Set<Deadline>();
    this.#slots.set(due, slot);
    const deadline: Deadline = { expire, cancel: () => slot.delete(deadline) };
    slot.add(deadline);
    return deadline;
  }

  #currentTick(): number {
    return Math.floor(this.#clock.now() / this.#tickMs);
  }

  #start(): void {
    this.#tick = this.#currentTick();
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = this.#clock.after(this.#tickMs, () => this.#turn());
  }

  #turn(): void {
    const now = this.#currentTick();
    for (; this.#tick <= now && this.#slots.size > 0; this.#tick += 1) {
      const slot = this.#slots.get(this.#tick);
      this.#slots.delete(this.#tick);
      if (slot !== undefined) for (const deadline of slot) deadline.expire();
    }
    this.#tick = Math.max(this.#tick, now);
    if (this.#slots.size > 0) this.#schedule();
    else this.#timer = undefined;
  }
}
