/**
 * What things cost in memory, in bytes, measured on Node 20 and 24; see docs/limits.md. Together
 * with what is counted exactly, they are what the ledger charges.
 */

/** A request that waits for its answer, beside its text. */
export const REQUEST_BYTES = 512;

/** A subscription with its view, beside its params. */
export const SUBSCRIPTION_BYTES = 2_048;

/** A topic of a pattern that is open, or that a broker in this process keeps, beside its events. */
export const NAME_BYTES = 8_192;

/** An idempotency key, or a call's, that is remembered, beside its text. */
export const REMEMBERED_BYTES = 192;

/** An event in a log, beside its JSON and its key: the same event in two logs of one process. */
export const EVENT_BYTES = 256;

/** What each bracket, comma or colon of a JSON text costs at most once it is parsed. */
const PART_BYTES = 48;

const BEYOND_LATIN_1 = /[\u0100-\uffff]/;

/** What a text costs: a byte a character, or two where it has characters beyond Latin-1. */
export function textBytes(text: string): number {
  return BEYOND_LATIN_1.test(text) ? text.length * 2 : text.length;
}

/** What the value of a JSON text costs at most: `[{},{}]` costs 21 times its text. */
export function parsedBytes(text: string): number {
  let parts = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === COMMA || unit === COLON || unit === BRACKET || unit === BRACE) parts += 1;
  }
  return text.length * 2 + parts * PART_BYTES;
}

const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BRACE = 0x7b;
