import type { Offset } from "../../topics/index.ts";

interface Waiter {
  readonly offset: Offset;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Callers that wait until an offset is followed, lowest first. */
export class Waiters {
  #waiting: Waiter[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  until(offset: Offset): Promise<void> {
    return new Promise((resolve, reject) => {
      let at = this.#waiting.length;
      // Answers arrive in order, so it is usually the last one.
      while (at > 0 && this.#waiting[at - 1]!.offset > offset) at -= 1;
      this.#waiting.splice(at, 0, { offset, resolve, reject });
    });
  }

  reached(offset: Offset): void {
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.offset <= offset) count += 1;
    for (const { resolve } of this.#waiting.splice(0, count)) resolve();
  }

  reject(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) waiter.reject(error);
  }
}
