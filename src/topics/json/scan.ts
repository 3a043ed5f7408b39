/** The counts that a scan of a JSON text returns. */
export interface Findings {
  /** Brackets, commas and colons: once parsed, each costs many times its text. */
  parts: number;
  /** Members of objects with more than `WIDE_OBJECT` members, which take a parser the most time. */
  wideMembers: number;
  /** Whether there is white space between tokens. */
  hasSpace: boolean;
  /** How deeply arrays and objects are nested. */
  depth: number;
  /** The index of the first number that parsing would change; -1 if there is none. */
  lossyNumberAt: number;
}

export function noFindings(): Findings {
  return { parts: 0, wideMembers: 0, hasSpace: false, depth: 0, lossyNumberAt: -1 };
}

/** The deepest nesting that is scanned; what `JSON.stringify` writes is never deeper. */
const MAX_SCANNED_DEPTH = 16_384;

/** For objects with more members, a parser builds a dictionary, name by name. */
const WIDE_OBJECT = 1_000;

/** There is no value, or it is too deeply nested. */
export const NO_VALUE = -1;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The closing brackets of the open arrays and objects. Scans never overlap, so they share it. */
const closers: Uint8Array = new Uint8Array(MAX_SCANNED_DEPTH);
/** How many members each of them has so far. */
const counts: Uint32Array = new Uint32Array(MAX_SCANNED_DEPTH);

/**
 * Returns the end of the JSON value that begins at `at`, or `NO_VALUE`. It accepts what
 * `JSON.parse` accepts, except for very deep nesting. It creates no values and does not recurse.
 * (RFC 8259)
 */
export function endOfValue(text: string, at: number, findings: Findings): number {
  let depth = 0;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      if (depth === MAX_SCANNED_DEPTH) return NO_VALUE;
      const closer = unit + 2;
      findings.parts += 1;
      if (depth >= findings.depth) findings.depth = depth + 1;
      at = skipSpace(text, at + 1, findings);
      if (text.charCodeAt(at) === closer) {
        at += 1;
      } else {
        closers[depth] = closer;
        counts[depth] = 1;
        depth += 1;
        if (closer === CLOSE_BRACE) at = startOfMember(text, at, findings);
        if (at === NO_VALUE) return NO_VALUE;
        continue;
      }
    } else {
      at = endOfScalar(text, at, findings);
      if (at === NO_VALUE) return NO_VALUE;
    }
    // A value has ended, and possibly the arrays and objects around it.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(text, at, findings);
      const next = text.charCodeAt(at);
      at += 1;
      if (next === COMMA) break;
      if (next !== closers[depth - 1]) return NO_VALUE;
      depth -= 1;
      if (next === CLOSE_BRACE && counts[depth]! > WIDE_OBJECT) {
        findings.wideMembers += counts[depth]!;
      }
    }
    findings.parts += 1;
    at = skipSpace(text, at, findings);
    counts[depth - 1]! += 1;
    if (closers[depth - 1] === CLOSE_BRACE) at = startOfMember(text, at, findings);
    if (at === NO_VALUE) return NO_VALUE;
  }
}

/** Returns the start of the value of the member that begins at `at`, or `NO_VALUE`. */
function startOfMember(text: string, at: number, findings: Findings): number {
  const end = endOfString(text, at);
  if (end === NO_VALUE) return NO_VALUE;
  const colon = skipSpace(text, end, findings);
  if (text.charCodeAt(colon) !== COLON) return NO_VALUE;
  findings.parts += 1;
  return skipSpace(text, colon + 1, findings);
}

export function skipSpace(text: string, at: number, findings: Findings): number {
  let end = at;
  while (isSpace(text.charCodeAt(end))) end += 1;
  if (end !== at) findings.hasSpace = true;
  return end;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function endOfScalar(text: string, at: number, findings: Findings): number {
  switch (text.charCodeAt(at)) {
    case QUOTE:
      return endOfString(text, at);
    case 0x74:
      return text.startsWith("true", at) ? at + 4 : NO_VALUE;
    case 0x66:
      return text.startsWith("false", at) ? at + 5 : NO_VALUE;
    case 0x6e:
      return text.startsWith("null", at) ? at + 4 : NO_VALUE;
    default:
      return endOfNumber(text, at, findings);
  }
}

/** Returns the end of the string that begins at `at`, or `NO_VALUE`. */
export function endOfString(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return NO_VALUE;
  for (let next = at + 1; ; next += 1) {
    const unit = text.charCodeAt(next);
    if (unit === QUOTE) return next + 1;
    if (unit === BACKSLASH) {
      next += 1;
      if (text.charCodeAt(next) === 0x75) {
        if (!isHex4(text, next + 1)) return NO_VALUE;
        next += 4;
      } else if (!isEscape(text.charCodeAt(next))) return NO_VALUE;
    } else if (!(unit >= 0x20)) return NO_VALUE; // A control character, or the end: NaN.
  }
}

/** `"`, `\`, `/`, `b`, `f`, `n`, `r` and `t`. */
function isEscape(unit: number): boolean {
  switch (unit) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}

function isHex4(text: string, at: number): boolean {
  for (let next = at; next < at + 4; next += 1) {
    const unit = text.charCodeAt(next);
    const lower = unit | 0x20;
    if (!isDigit(unit) && !(lower >= 0x61 && lower <= 0x66)) return false;
  }
  return true;
}

function endOfNumber(text: string, start: number, findings: Findings): number {
  let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
  const first = text.charCodeAt(at);
  const integer = endOfDigits(text, at);
  // No digits, or a leading zero.
  if (integer === at || (first === 0x30 && integer > at + 1)) return NO_VALUE;
  at = integer;
  if (text.charCodeAt(at) === POINT) {
    const fraction = endOfDigits(text, at + 1);
    if (fraction === at + 1) return NO_VALUE;
    at = fraction;
  }
  const mantissa = at;
  if ((text.charCodeAt(at) | 0x20) === 0x65) {
    const sign = text.charCodeAt(at + 1);
    const digits = sign === MINUS || sign === 0x2b ? at + 2 : at + 1;
    at = endOfDigits(text, digits);
    if (at === digits) return NO_VALUE;
  }
  if (findings.lossyNumberAt !== -1) return at;
  const isInteger = at === integer;
  const isSuspect = isInteger ? at - start > SAFE_LENGTH : at > mantissa || at - start > 300;
  if (isSuspect && isLossy(text.slice(start, at), isInteger)) findings.lossyNumberAt = start;
  return at;
}

/** Integers of at most this many characters are safe. */
const SAFE_LENGTH = 15;

/**
 * Whether parsing changes the number: an integer beyond 2^53, or one that overflows or underflows.
 */
function isLossy(number: string, isInteger: boolean): boolean {
  const value = Number(number);
  if (isInteger) return !Number.isSafeInteger(value);
  return !Number.isFinite(value) || (value === 0 && /[1-9]/.test(number.split(/e/i, 1)[0]!));
}

function endOfDigits(text: string, at: number): number {
  let end = at;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
