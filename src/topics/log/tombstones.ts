import { OldestFirst } from "../../base/index.ts";
import { MAX_TOMBSTONES } from "../limits.ts";
import type { Offset } from "../position.ts";

/**
 * Remembers when keys left a view, because they were removed or no longer match.
 *
 * When a subscriber resumes, it needs the removals of keys that it may hold, and not of all keys
 * that have changed and never concerned it.
 */
export class Tombstones {
  /** All departures after this offset are known; `undefined` while none are recorded. */
  #knownFrom: Offset | undefined;
  /** The last departure of each key, in the order of their offsets. */
  readonly #left = new OldestFirst<string, Offset>();

  /** Starts recording after `offset`, unless it already records. */
  watchFrom(offset: Offset): void {
    this.#knownFrom ??= offset;
  }

  stop(): void {
    this.#knownFrom = undefined;
    this.#left.clear();
  }

  left(key: string, offset: Offset): void {
    this.#left.set(key, offset);
    if (this.#left.size > MAX_TOMBSTONES) this.#forgetOldest();
  }

  /** Forgets departures that no subscriber can resume from any more. */
  forgetUpTo(offset: Offset): void {
    for (;;) {
      const [key, leftAt] = this.#left.oldest ?? [];
      if (key === undefined || leftAt === undefined || leftAt > offset) return;
      this.#left.delete(key);
    }
  }

  /**
   * Whether a subscriber that received everything up to `base` may hold `key`, which is gone now.
   */
  mayBeHeld(key: string, base: Offset): boolean {
    if (this.#knownFrom === undefined || base < this.#knownFrom) return true;
    const leftAt = this.#left.get(key);
    return leftAt !== undefined && leftAt > base;
  }

  #forgetOldest(): void {
    const { oldest } = this.#left;
    if (oldest === undefined) return;
    this.#left.delete(oldest[0]);
    this.#knownFrom = oldest[1];
  }
}
