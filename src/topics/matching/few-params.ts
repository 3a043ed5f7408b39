import { MAX_PARAMS } from "../limits.ts";
import { LiveError } from "../live-error.ts";

/**
 * Checks the number of params before anything is done with them: an object of names that the engine
 * has not seen before costs far more than its text.
 *
 * @throws LiveError `invalid_params`
 */
export function requireFewParams(count: number): void {
  if (count <= MAX_PARAMS) return;
  const message = `The params have more than ${MAX_PARAMS} names, the limit; narrow by fewer.`;
  throw new LiveError("invalid_params", message);
}
