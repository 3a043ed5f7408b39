import { LongwireError } from "./error.ts";
import { shown } from "./shown.ts";

/**
 * Returns `defaults`, overridden by the limits in `given`.
 *
 * @throws LongwireError `invalid_limit` unless every limit is a positive integer
 */
export function resolveLimits<Limits extends { [Name in keyof Limits]: number }>(
  defaults: Limits,
  given: { readonly [Name in keyof Limits]?: unknown } = {},
): Limits {
  const resolved = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof Limits & string)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
      const text = `${name} is ${shown(value)}; use a positive integer, or leave it out.`;
      throw new LongwireError("invalid_limit", text);
    }
    resolved[name] = value as Limits[typeof name];
  }
  return resolved;
}
