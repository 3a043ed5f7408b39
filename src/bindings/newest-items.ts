import { LongwireError } from "../live/client/index.ts";

/** A list of the newest items. */
export class NewestItems<Item> {
  readonly #limit: number;
  /** Up to twice the limit, so that removing the oldest ones does not cost a copy for each item. */
  #items: Item[] = [];

  /** @throws LongwireError `invalid_option` */
  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1) {
      const message = `The limit is ${JSON.stringify(limit)}; it must be an integer from 1, such as 1000.`;
      throw new LongwireError("invalid_option", message);
    }
    this.#limit = limit;
  }

  push(item: Item): void {
    this.#items.push(item);
    if (this.#items.length >= 2 * this.#limit) this.#items = this.newest();
  }

  /** Returns a new array, oldest first. */
  newest(): Item[] {
    return this.#items.slice(-this.#limit);
  }

  clear(): void {
    this.#items = [];
  }
}
