/** The default number of threads in the thread pool. */
const AT_ONCE = 4;

/**
 * Limits how many long messages are compressed at the same time, so that a long message to ten
 * thousand peers needs four contexts and not ten thousand.
 */
export class ThreadTurns {
  #running = 0;
  readonly #waiting: ((giveBack: () => void) => void)[] = [];

  /** Calls `run` when there is room; `run` must call `giveBack` when it is done. */
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
