export interface BackoffOptions {
  /** The maximum of the first delay, in milliseconds. Default 500. */
  firstMs?: number;
  /** The maximum of all delays, in milliseconds. Default 30,000. */
  longestMs?: number;
  /** Returns a number in [0, 1); default `Math.random`. */
  random?: () => number;
}

/**
 * Delays between attempts: exponential with full jitter, so that many clients that were cut off
 * together do not reconnect together.
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

  /** Returns the delay before the next attempt, in milliseconds. */
  next(): number {
    const ceiling = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return this.#random() * ceiling;
  }

  /** Must be called when a connection has proved stable. */
  reset(): void {
    this.#attempts = 0;
  }
}
