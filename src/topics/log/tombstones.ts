import { MAX_TOMBSTONES } from "../limits.ts";
import type { Offset } from "../position.ts";

/**
 * When keys left a view: removed, or no longer matching.
 *
 * It lets a subscriber that comes back be told of the keys that it has lost, and not of all those
 * that changed meanwhile and never concerned it.
 */
export class Tombstones {
  /** From here on it knows of every departure; `undefined` while it does not watch. */
  #knownFrom: Offset | undefined;
  /** The newest departure of each key, in the order of their offsets. */
  readonly #left = new Map<string, Offset>();

  /** Begins to watch behind `offset`, unless it does already. */
  watchFrom(offset: Offset): void {
    this.#knownFrom ??= offset;
  }

  stop(): void {
    this.#knownFrom = undefined;
    this.#left.clear();
  }

  left(key: string, offset: Offset): void {
    this.#left.delete(key);
    this.#left.set(key, offset);
    if (this.#left.size > MAX_TOMBSTONES) this.#forgetOldest();
  }

  /** Nobody can resume from before `offset` any more. */
  forgetUpTo(offset: Offset): void {
    for (const [key, leftAt] of this.#left) {
      if (leftAt > offset) return;
      this.#left.delete(key);
    }
  }

  /** Whether a subscriber that was told everything up to `base` may hold `key`, which is gone now. */
  mayBeHeld(key: string, base: Offset): boolean {
    if (this.#knownFrom === undefined || base < this.#knownFrom) return true;
    const leftAt = this.#left.get(key);
    return leftAt !== undefined && leftAt > base;
  }

  #forgetOldest(): void {
    const [oldest] = this.#left;
    if (oldest === undefined) return;
    this.#left.delete(oldest[0]);
    this.#knownFrom = oldest[1];
  }
}
