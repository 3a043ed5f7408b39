export interface BackoffOptions {
  /** The first delay's upper end, in milliseconds. Default 500. */
  firstMs?: number;
  /** No delay is longer than this, in milliseconds. Default 30,000. */
  longestMs?: number;
  /** A number in [0, 1); default `Math.random`. */
  random?: () => number;
}

/**
 * Delays between attempts: exponential with full jitter, so that many clients cut at once come
 * back spread.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: BackoffOptions = {}) {
    this.#firstMs = options.firstMs ?? 500;
    this.#longestMs = options.longestMs ?? 30_000;
    this.#random = options.random ?? Math.random;
  }

  /** The delay before the next attempt, in milliseconds. */
  next(): number {
    const ceiling = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return this.#random() * ceiling;
  }

  /** Call when a connection has proved itself. */
  reset(): void {
    this.#attempts = 0;
  }
}
