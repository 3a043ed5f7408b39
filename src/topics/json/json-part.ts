import type { Findings } from "./scan.ts";

/** The highest memory cost of each bracket, comma or colon after parsing, in bytes. */
const PART_BYTES = 48;

/** If a part keeps at most this many other characters alive, it is not worth copying. */
const MAX_KEPT_ALIVE = 256;

/** A longer slice of a string keeps the whole string alive. */
const MAX_COPIED = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A value in a valid JSON text that is not parsed: `[{},{}]` takes 21 times its text in memory, and
 * parsing an object with 80,000 names blocks the event loop for a tenth of a second.
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

  /** In UTF-16 units, including white space. */
  get length(): number {
    return this.#end - this.#start;
  }

  get isObject(): boolean {
    return this.#text.startsWith("{", this.#start);
  }

  get isComposite(): boolean {
    return this.isObject || this.#text.startsWith("[", this.#start);
  }

  /** The highest memory cost of the parsed value, in bytes. */
  get parsedBytes(): number {
    return this.length * 2 + this.#findings.parts * PART_BYTES;
  }

  /** How deeply arrays and objects are nested. */
  get depth(): number {
    return this.#findings.depth;
  }

  /** The number of members in objects with more than 1,000 of them. */
  get wideMembers(): number {
    return this.#findings.wideMembers;
  }

  /** The first number that parsing would change; `undefined` if there is none. */
  get lossyNumber(): string | undefined {
    const at = this.#findings.lossyNumberAt;
    return at === -1 ? undefined : /^[-+.\deE]+/.exec(this.#text.slice(at, this.#end))![0];
  }

  /** The same JSON without white space between tokens; every number as it was written. */
  get json(): string {
    const json = this.#text.slice(this.#start, this.#end);
    if (this.#findings.hasSpace) return withoutSpace(json);
    const around = this.#text.length - json.length;
    return around > MAX_KEPT_ALIVE ? decoder.decode(encoder.encode(json)) : json;
  }

  /** Parses the value. */
  get value(): unknown {
    const plain = this.length <= MAX_COPIED + 2 ? this.#plainString : undefined;
    if (plain !== undefined) return plain;
    return JSON.parse(this.#text.slice(this.#start, this.#end));
  }

  /** A fast path for short plain strings, which most members of a message are. */
  get #plainString(): string | undefined {
    if (!this.#text.startsWith('"', this.#start)) return undefined;
    const string = this.#text.slice(this.#start + 1, this.#end - 1);
    return string.includes("\\") ? undefined : string;
  }
}

/** Works on bytes, because slices of a string would cost many times as much. */
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
      // An escaped character, which occurs only in strings, may be a quote.
      at += 1;
      bytes[length] = bytes[at]!;
      length += 1;
    }
  }
  return decoder.decode(bytes.subarray(0, length));
}
