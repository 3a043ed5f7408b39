/** The longest waits between tries: the first, and the one that doubling never passes. */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

export const defaultBackoff: BackoffLimits = { baseMs: 1_000, capMs: 15_000 };

/**
 * The wait before try number `attempt` (0 is the first retry): exponential with full jitter.
 *
 * Any moment from 0 to the limit is equally likely, so that a thousand pages which lost the same
 * server do not come back in the same instant.
 */
export function backoffDelayMs(
  attempt: number,
  random: () => number = Math.random,
  limits: BackoffLimits = defaultBackoff,
): number {
  const limit = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(random() * limit);
}
