import { MAX_UNANSWERED } from "../limits.ts";

/** The requests of a connection whose answers are being made. */
export class Unanswered {
  #count = 0;
  #goOn: (() => void) | undefined;

  /** @param answered settles when one has its answer; it does not reject */
  add(answered: Promise<void>): void {
    this.#count += 1;
    void answered.then(() => {
      this.#count -= 1;
      if (this.#count < MAX_UNANSWERED) this.#goOn?.();
    });
  }

  /** Nothing more is to be taken from the connection before this is there. */
  room(): void | Promise<void> {
    if (this.#count < MAX_UNANSWERED) return;
    return new Promise((resolve) => (this.#goOn = resolve));
  }
}
