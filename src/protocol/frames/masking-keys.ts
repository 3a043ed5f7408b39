/** Keys per call of the random source, whose cost is mostly per call. */
const POOL_KEYS = 1024;

const pool = new Uint32Array(POOL_KEYS);
let next = POOL_KEYS;

/**
 * Returns a fresh masking key: 32 bits of strong entropy, as one integer.
 *
 * It must be unpredictable to whoever chooses the payload, or a page could write bytes of its
 * choice through an intermediary. (RFC 6455 §5.3, §10.3)
 */
export function freshMaskingKey(): number {
  if (next === POOL_KEYS) {
    crypto.getRandomValues(pool);
    next = 0;
  }
  const key = pool[next]!;
  // A key is used once, also as far as a later memory dump is concerned.
  pool[next] = 0;
  next += 1;
  return key;
}
