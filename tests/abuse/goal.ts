/** What one payer may cost at most; docs/concepts/security.md says the same. */
export const goal = {
  /** By how much the server's memory may grow, beyond what the row's topics keep. */
  growthMiB: 256,
  /** How far above idle it may stay after the abuser has left. */
  remainderMiB: 64,
  /** How soon. */
  recoveryMs: 60_000,
  /** How late the event loop may be. */
  lateMs: 250,
  /** How soon `GET /healthz` is to be answered. */
  healthMs: 1_000,
  /** How soon the bystander's publish is to be acknowledged. */
  publishMs: 10_000,
} as const;

/** Above this the harness kills the server, so that the machine stays usable. */
export const GUARD_MIB = 3_500;

/** How many connections an abuser has at most. */
export const MAX_CONNECTIONS = 100;
