import type { Clock } from "../../base/index.ts";
import type { Offset } from "../../live/index.ts";

/** For how long a repeated publish is recognised, in milliseconds. */
const WINDOW_MS = 300_000;
/** How many keys are remembered at most; beyond it the oldest go before their time. */
const MAX_KEYS = 1_000_000;

/** The idempotency keys of recent publishes, with the offsets they got. */
export class IdempotencyWindow {
  readonly #clock: Clock;
  readonly #onForgotten: ((offset: Offset) => void) | undefined;
  /** In the order they came, which a Map keeps. */
  readonly #seen = new Map<string, { offset: Offset; at: number }>();

  /** @param onForgotten hears of each that is remembered no longer */
  constructor(clock: Clock, onForgotten?: (offset: Offset) => void) {
    this.#clock = clock;
    this.#onForgotten = onForgotten;
  }

  /** Whether no publish can be repeated any more. */
  get isEmpty(): boolean {
    this.#forgetOld();
    return this.#seen.size === 0;
  }

  find(key: string): Offset | undefined {
    this.#forgetOld();
    return this.#seen.get(key)?.offset;
  }

  /** @param at when it came; those that came before have been remembered before */
  remember(key: string, offset: Offset, at: number = this.#clock.now()): void {
    this.#seen.set(key, { offset, at });
    if (this.#seen.size > MAX_KEYS) this.#forgetOld();
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - WINDOW_MS;
    for (const [key, { at, offset }] of this.#seen) {
      if (at >= oldest && this.#seen.size <= MAX_KEYS) return;
      this.#seen.delete(key);
      this.#onForgotten?.(offset);
    }
  }
}
