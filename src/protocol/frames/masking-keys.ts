/** The number of keys per call of the random source, because most of the cost is per call. */
const POOL_KEYS = 1024;

const pool = new Uint32Array(POOL_KEYS);
let next = POOL_KEYS;

/**
 * Returns a fresh masking key: 32 bits of strong entropy, as one integer.
 *
 * It must be unpredictable to the author of the payload. Otherwise a page could send bytes of its
 * choice through an intermediary. (RFC 6455 §5.3, §10.3)
 */
export function freshMaskingKey(): number {
  if (next === POOL_KEYS) {
    crypto.getRandomValues(pool);
    next = 0;
  }
  const key = pool[next]!;
  // Erased, so that a used key does not appear in a later memory dump.
  pool[next] = 0;
  next += 1;
  return key;
}
