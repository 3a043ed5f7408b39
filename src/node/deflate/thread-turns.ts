/** As many as the thread pool has threads by default. */
const AT_ONCE = 4;

/**
 * Lets a few long messages be compressed at once and the others wait, so that a broadcast of a long
 * message to ten thousand peers takes four contexts and not ten thousand.
 */
export class ThreadTurns {
  #running = 0;
  readonly #waiting: ((giveBack: () => void) => void)[] = [];

  /** Calls `run` when there is room; it calls `giveBack` once it is done. */
  take(run: (giveBack: () => void) => void): void {
    this.#waiting.push(run);
    this.#startNext();
  }

  #startNext(): void {
    if (this.#running >= AT_ONCE) return;
    const run = this.#waiting.shift();
    if (run === undefined) return;
    this.#running += 1;
    let isBack = false;
    run(() => {
      if (isBack) return;
      isBack = true;
      this.#running -= 1;
      this.#startNext();
    });
  }
}
