/**
 * Memory costs in bytes, measured on Node 20 and 24; see docs/reference/limits.md. The ledger
 * charges them in addition to what is counted exactly.
 */

/** A request that waits for its answer, without its text. */
export const REQUEST_BYTES = 512;

/** A subscription with its view, without its params. */
export const SUBSCRIPTION_BYTES = 2_048;

/** The offers of a client, at most 100, without its open requests. */
export const OFFERS_BYTES = 4_096;

/** A pattern's topic that is open, or kept by a broker in this process, without its events. */
export const NAME_BYTES = 8_192;

/** A remembered idempotency key, without its text. */
export const REMEMBERED_BYTES = 192;

/** An event in a log, without its JSON and key: the same event in two logs of one process. */
export const EVENT_BYTES = 256;

const BEYOND_LATIN_1 = /[\u0100-\uffff]/;

/** The memory of a text: one byte per character, or two if it has characters beyond Latin-1. */
export function textBytes(text: string): number {
  return BEYOND_LATIN_1.test(text) ? text.length * 2 : text.length;
}
