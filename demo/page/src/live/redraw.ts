/** A person cannot read figures that change more often. */
const everyMs = 250;

/** Calls back at most four times a second, however often something changed. */
export class Redraw {
  readonly #draw: () => void;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Draws now if the last time is long enough ago, so that the first data is not delayed. */
  request(): void {
    const waitMs = this.#drawnMs + everyMs - performance.now();
    // Also while a timer is due, because a hidden page's timers are late and its messages are not.
    if (waitMs <= 0) this.#run();
    else this.#timer ??= setTimeout(() => this.#run(), waitMs);
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawnMs = performance.now();
    this.#draw();
  }
}
