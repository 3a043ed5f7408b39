import { LongwireError } from "./error.ts";

/**
 * Refuses options of other libraries, which would be ignored in silence.
 *
 * @param advice says where they belong here
 * @throws LongwireError `invalid_option`
 */
export function refuseForeign(options: object, advice: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(advice, name)) continue;
    const message = `There is no option ${name}; ${advice[name]}.`;
    throw new LongwireError("invalid_option", message);
  }
}
