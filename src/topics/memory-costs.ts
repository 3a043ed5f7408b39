/**
 * What things cost in memory, in bytes, measured on Node 20 and 24; see docs/reference/limits.md. Together
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

const BEYOND_LATIN_1 = /[\u0100-\uffff]/;

/** What a text costs: a byte a character, or two where it has characters beyond Latin-1. */
export function textBytes(text: string): number {
  return BEYOND_LATIN_1.test(text) ? text.length * 2 : text.length;
}
