/**
 * Checks UTF-8 as bytes arrive, so that an invalid message fails at its first bad byte.
 * (RFC 6455 §8.1, RFC 3629 §4)
 *
 * The state between two calls is how many continuation bytes are awaited and what range the next
 * one may have: that range is what rules out overlong forms, surrogates and values past U+10FFFF.
 */
export class Utf8Validator {
  #awaited = 0;
  #lowest = 0x80;
  #highest = 0xbf;

  /** Whether what was pushed so far ends between two characters. */
  get isComplete(): boolean {
    return this.#awaited === 0;
  }

  reset(): void {
    this.#awaited = 0;
    this.#lowest = 0x80;
    this.#highest = 0xbf;
  }

  /**
   * Takes `bytes` from `start` to `end`.
   *
   * @returns false if they cannot go on the text; the validator is of no use until it is reset
   */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at]!;
      if (this.#awaited !== 0) {
        if (byte < this.#lowest || byte > this.#highest) return false;
        this.#awaited -= 1;
        this.#lowest = 0x80;
        this.#highest = 0xbf;
      } else if (byte >= 0x80 && !this.#lead(byte)) {
        return false;
      }
    }
    return true;
  }

  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    if (byte < 0xe0) {
      this.#awaited = 1;
    } else if (byte < 0xf0) {
      this.#awaited = 2;
      if (byte === 0xe0) this.#lowest = 0xa0;
      if (byte === 0xed) this.#highest = 0x9f;
    } else {
      this.#awaited = 3;
      if (byte === 0xf0) this.#lowest = 0x90;
      if (byte === 0xf4) this.#highest = 0x8f;
    }
    return true;
  }
}
