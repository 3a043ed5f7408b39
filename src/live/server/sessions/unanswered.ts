import { MAX_UNANSWERED } from "../limits.ts";

/** The requests of a connection that are not answered yet. */
export class Unanswered {
  #count = 0;
  #goOn: (() => void) | undefined;

  /** @param answered settles when the request is answered; it does not reject */
  add(answered: Promise<void>): void {
    this.#count += 1;
    void answered.then(() => {
      this.#count -= 1;
      if (this.#count < MAX_UNANSWERED) this.#goOn?.();
    });
  }

  /** Resolves when another request may be read from the connection. */
  room(): void | Promise<void> {
    if (this.#count < MAX_UNANSWERED) return;
    return new Promise((resolve) => (this.#goOn = resolve));
  }
}
