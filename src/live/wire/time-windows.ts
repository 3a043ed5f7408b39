import { IDEMPOTENCY_WINDOW_MS } from "../../topics/index.ts";

/**
 * For how long after it was first sent a client repeats a request that is not answered, in
 * milliseconds. The server recognizes it by its idempotency key for a tenth longer, which is for
 * the way there.
 */
export const REPEAT_WINDOW_MS: number = IDEMPOTENCY_WINDOW_MS * 0.9;
