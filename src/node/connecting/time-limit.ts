/** The longest delay of a timer; a longer one would fire immediately. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time limit that pauses while its owner waits for others. */
export class TimeLimit {
  readonly #onOver: () => void;
  #leftMs: number;
  #runningSince = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onOver: () => void) {
    this.#leftMs = limitMs;
    this.#onOver = onOver;
  }

  run(): void {
    if (this.#timer !== undefined) return;
    this.#runningSince = performance.now();
    this.#timer = setTimeout(this.#onOver, Math.min(Math.max(0, this.#leftMs), LONGEST_MS));
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#runningSince;
  }
}
