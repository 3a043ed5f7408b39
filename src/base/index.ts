export { Backoff } from "./backoff.ts";
export { webByteOperations } from "./byte-operations.ts";
export type { ByteOperations } from "./byte-operations.ts";
export { systemClock } from "./clock.ts";
export type { Clock, Timer } from "./clock.ts";
export { LongwireError } from "./error.ts";
export { resolveLimits } from "./resolve-limits.ts";
export { TimerWheel } from "./timer-wheel.ts";
