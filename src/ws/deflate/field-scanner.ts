import { isBlank, isToken } from "../../protocol/index.ts";

/** Reads a header from left to right, and reports mistakes like `ws`. */
export class FieldScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Skips `mark` and returns true, if it is next. */
  skip(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  /** Reads a token with the blanks around it. The header must not begin or end with blanks. */
  member(): string {
    this.#skipBlanksBefore();
    const token = this.#token();
    this.#skipBlanksBehind();
    return token;
  }

  /**
   * Reads a token, optionally with a value, and the blanks around it. There must be no blanks in
   * between.
   */
  parameter(): { name: string; value: string | true } {
    this.#skipBlanksBefore();
    const name = this.#token();
    const value = this.skip("=") ? this.#tokenOrQuoted() : true;
    this.#skipBlanksBehind();
    return { name, value };
  }

  #token(): string {
    const start = this.#at;
    while (isTokenCharacter(this.#text[this.#at])) this.#at += 1;
    if (this.#at === start) this.fail();
    return this.#text.slice(start, this.#at);
  }

  /** A quoted value must be a token once it is unescaped. (RFC 6455 §9.1) */
  #tokenOrQuoted(): string {
    if (!this.skip('"')) return this.#token();
    let value = "";
    while (value === "" || this.#text[this.#at] !== '"') {
      this.skip("\\");
      const next = this.#text[this.#at];
      if (!isTokenCharacter(next)) this.fail();
      value += next;
      this.#at += 1;
    }
    this.#at += 1;
    return value;
  }

  /** @throws SyntaxError always */
  fail(): never {
    throw new SyntaxError(
      this.isAtEnd ? "Unexpected end of input" : `Unexpected character at index ${this.#at}`,
    );
  }

  #skipBlanksBefore(): void {
    if (this.#at > 0) this.#skipBlanks();
  }

  #skipBlanksBehind(): void {
    if (this.#skipBlanks() && this.isAtEnd) this.fail();
  }

  #skipBlanks(): boolean {
    const start = this.#at;
    while (!this.isAtEnd && isBlank(this.#text.charCodeAt(this.#at))) this.#at += 1;
    return this.#at > start;
  }
}

function isTokenCharacter(character: string | undefined): character is string {
  return character !== undefined && isToken(character);
}
