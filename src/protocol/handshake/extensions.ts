import { isBlank, isToken } from "./header-fields.ts";

/** An extension as offered or accepted. The value of a parameter without one is `undefined`. */
export interface Extension {
  name: string;
  /** In order, including repeated names, which the extension has to reject. */
  parameters: { name: string; value: string | undefined }[];
}

/**
 * Parses a `Sec-WebSocket-Extensions` value. (RFC 6455 §9.1)
 *
 * It makes a single pass, so that every input takes linear time. Parameters are pairs in an array,
 * so that no name can reach a prototype. Empty elements are skipped. (RFC 9110 §5.6.1.2)
 *
 * @returns `undefined` if the value does not match the grammar
 */
export function parseExtensions(value: string): Extension[] | undefined {
  const reader = new ElementReader(value);
  const extensions: Extension[] = [];
  do {
    if (reader.isAtElementEnd) continue;
    const name = reader.token();
    if (name === undefined) return undefined;
    const extension: Extension = { name, parameters: [] };
    while (reader.skip(";")) {
      const parameter = reader.token();
      if (parameter === undefined) return undefined;
      const hasValue = reader.skip("=");
      const text = hasValue ? reader.tokenOrQuoted() : undefined;
      if (hasValue && text === undefined) return undefined;
      extension.parameters.push({ name: parameter, value: text });
    }
    extensions.push(extension);
  } while (reader.skip(","));
  return reader.isAtEnd ? extensions : undefined;
}

/** Formats extensions as a `Sec-WebSocket-Extensions` value. */
export function formatExtensions(extensions: readonly Extension[]): string {
  return extensions
    .map(({ name, parameters }) =>
      [
        name,
        ...parameters.map((p) => (p.value === undefined ? p.name : `${p.name}=${p.value}`)),
      ].join("; "),
    )
    .join(", ");
}

class ElementReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipBlanks();
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  get isAtElementEnd(): boolean {
    return this.isAtEnd || this.#text[this.#at] === ",";
  }

  /** Skips `mark` and the blanks around it, if `mark` is next. */
  skip(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    this.#skipBlanks();
    return true;
  }

  token(): string | undefined {
    const start = this.#at;
    while (this.#at < this.#text.length && isToken(this.#text[this.#at]!)) this.#at += 1;
    const token = this.#text.slice(start, this.#at);
    this.#skipBlanks();
    return token === "" ? undefined : token;
  }

  /** A quoted value must be a token after its quotes and escapes are removed. (RFC 6455 §9.1) */
  tokenOrQuoted(): string | undefined {
    if (this.#text[this.#at] !== '"') return this.token();
    const units: string[] = [];
    this.#at += 1;
    while (this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] === "\\") this.#at += 1;
      if (this.isAtEnd) return undefined;
      units.push(this.#text[this.#at]!);
      this.#at += 1;
      if (this.isAtEnd) return undefined;
    }
    this.#at += 1;
    this.#skipBlanks();
    const value = units.join("");
    return isToken(value) ? value : undefined;
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && isBlank(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }
}
