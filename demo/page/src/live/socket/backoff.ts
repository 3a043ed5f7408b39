/** The upper bound of the first wait, and of all waits. */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

export const defaultBackoff: BackoffLimits = { baseMs: 1_000, capMs: 15_000 };

/**
 * Returns the wait before try number `attempt` (0 is the first retry): exponential with full
 * jitter.
 *
 * Every wait from 0 to the limit is equally likely, so that a thousand pages that lost the same
 * server do not all reconnect at the same moment.
 */
export function backoffDelayMs(
  attempt: number,
  random: () => number = Math.random,
  limits: BackoffLimits = defaultBackoff,
): number {
  const limit = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(random() * limit);
}
