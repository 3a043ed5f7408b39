import type { Clock } from "../../base/index.ts";
import type { Offset } from "../../live/index.ts";

/** For how long a repeated publish is recognised, in milliseconds. */
const WINDOW_MS = 300_000;
/** How many keys are remembered at most; beyond it the oldest go before their time. */
const MAX_KEYS = 1_000_000;

/** The idempotency keys of recent publishes, with the offsets they got. */
export class IdempotencyWindow {
  readonly #clock: Clock;
  /** In the order they came, which a Map keeps. */
  readonly #seen = new Map<string, { offset: Offset; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
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

  remember(key: string, offset: Offset): void {
    this.#seen.set(key, { offset, at: this.#clock.now() });
    if (this.#seen.size > MAX_KEYS) this.#forgetOld();
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - WINDOW_MS;
    for (const [key, { at }] of this.#seen) {
      if (at >= oldest && this.#seen.size <= MAX_KEYS) return;
      this.#seen.delete(key);
    }
  }
}
