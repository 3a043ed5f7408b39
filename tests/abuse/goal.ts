/** The most that one payer may cost; docs/concepts/security.md states the same. */
export const goal = {
  /** By how much the server's memory may grow, in addition to what the row's topics keep. */
  growthMiB: 256,
  /** How far above idle the memory may stay after the abuser has left. */
  remainderMiB: 64,
  /** Within which time. */
  recoveryMs: 60_000,
  /** How late the event loop may be. */
  lateMs: 250,
  /** How soon `GET /healthz` must be answered. */
  healthMs: 1_000,
  /** How soon the bystander's publish must be acknowledged. */
  publishMs: 10_000,
} as const;

/** Above this, the harness kills the server, so that the machine stays usable. */
export const GUARD_MIB = 3_500;

/** The most connections of an abuser. */
export const MAX_CONNECTIONS = 100;
