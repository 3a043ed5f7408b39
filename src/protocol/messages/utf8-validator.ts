/**
 * Checks UTF-8 as bytes arrive, so that an invalid message fails at its first bad byte. (RFC 6455
 * §8.1, RFC 3629 §4)
 *
 * Between two calls, the state is the number of awaited continuation bytes and the valid range of
 * the next one. That range excludes overlong forms, surrogates and values above U+10FFFF.
 */
export class Utf8Validator {
  #awaited = 0;
  #lowest = 0x80;
  #highest = 0xbf;

  /** Whether the bytes so far end between two characters. */
  get isComplete(): boolean {
    return this.#awaited === 0;
  }

  reset(): void {
    this.#awaited = 0;
    this.#lowest = 0x80;
    this.#highest = 0xbf;
  }

  /**
   * Checks `bytes` from `start` to `end`.
   *
   * @returns false if they cannot continue the text; the validator must then be reset
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
