import type { Findings } from "./scan.ts";

/** What each bracket, comma or colon costs at most once it is parsed, in bytes. */
const PART_BYTES = 48;

/** A text that keeps so many characters around it alive is not worth a copy. */
const MAX_KEPT_ALIVE = 256;

/** A longer piece of a string would keep all of it alive. */
const MAX_COPIED = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A value in a JSON text that is known to be JSON, and is not parsed: `[{},{}]` costs 21 times its
 * text in memory, and an object with 80,000 names holds the loop for a tenth of a second.
 */
export class JsonPart {
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #findings: Readonly<Findings>;

  constructor(text: string, start: number, end: number, findings: Readonly<Findings>) {
    this.#text = text;
    this.#start = start;
    this.#end = end;
    this.#findings = findings;
  }

  /** In UTF-16 units, with the space in it. */
  get length(): number {
    return this.#end - this.#start;
  }

  get isObject(): boolean {
    return this.#text.startsWith("{", this.#start);
  }

  get isComposite(): boolean {
    return this.isObject || this.#text.startsWith("[", this.#start);
  }

  /** What its value costs in memory at most, in bytes. */
  get parsedBytes(): number {
    return this.length * 2 + this.#findings.parts * PART_BYTES;
  }

  /** How deep arrays and objects are inside one another. */
  get depth(): number {
    return this.#findings.depth;
  }

  /** Members of objects with more than 1,000 of them. */
  get wideMembers(): number {
    return this.#findings.wideMembers;
  }

  /** The first number that parsing would change; `undefined` if there is none. */
  get lossyNumber(): string | undefined {
    const at = this.#findings.lossyNumberAt;
    return at === -1 ? undefined : /^[-+.\deE]+/.exec(this.#text.slice(at, this.#end))![0];
  }

  /** The same JSON without space between its parts, every number as it was written. */
  get json(): string {
    const json = this.#text.slice(this.#start, this.#end);
    if (this.#findings.hasSpace) return withoutSpace(json);
    const around = this.#text.length - json.length;
    return around > MAX_KEPT_ALIVE ? decoder.decode(encoder.encode(json)) : json;
  }

  /** Parses it. */
  get value(): unknown {
    const plain = this.length <= MAX_COPIED + 2 ? this.#plainString : undefined;
    if (plain !== undefined) return plain;
    return JSON.parse(this.#text.slice(this.#start, this.#end));
  }

  /** What most members of a message are, sooner than a parser is asked. */
  get #plainString(): string | undefined {
    if (!this.#text.startsWith('"', this.#start)) return undefined;
    const string = this.#text.slice(this.#start + 1, this.#end - 1);
    return string.includes("\\") ? undefined : string;
  }
}

/** In bytes, since pieces of a string would cost many times as much. */
function withoutSpace(json: string): string {
  const bytes = encoder.encode(json);
  let length = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (!isInString && byte <= 0x20) continue;
    bytes[length] = byte;
    length += 1;
    if (byte === 0x22) isInString = !isInString;
    else if (byte === 0x5c) {
      // What is escaped, in a string only, may be a quote.
      at += 1;
      bytes[length] = bytes[at]!;
      length += 1;
    }
  }
  return decoder.decode(bytes.subarray(0, length));
}
