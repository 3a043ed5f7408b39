import { IDEMPOTENCY_WINDOW_MS } from "../../topics/index.ts";

/**
 * How long a client repeats an unanswered request after first sending it, in milliseconds. The
 * server recognizes its idempotency key for a tenth longer, to allow for transit.
 */
export const REPEAT_WINDOW_MS: number = IDEMPOTENCY_WINDOW_MS * 0.9;
