/** How often something may happen. */
export interface Rate {
  perSecond: number;
  /** How many may come at once. */
  burst: number;
}

/** Counts what happens against a rate: it fills by the second, and each takes one out. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Takes one, if there is one. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whether one could be taken. */
  has(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= 1;
  }

  /** Whether it is as a new one would be. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.#rate.burst;
  }

  #fill(now: number): void {
    const gained = (Math.max(0, now - this.#at) / 1_000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained);
    this.#at = now;
  }
}
