import { LongwireError } from "../base/index.ts";
import { isFieldValue, isToken } from "../protocol/index.ts";

/**
 * Returns header lines that an application wrote, if none of them can become two. (CVE-2026-1527)
 *
 * @throws LongwireError `invalid_header`
 */
export function checkedFields(headers: Record<string, string>): Record<string, string> {
  const entries = Object.entries(headers).map(
    ([name, value]: [string, unknown]): [string, string] => {
      const text = String(value);
      if (isToken(name) && isFieldValue(text)) return [name, text];
      const message = `The header ${JSON.stringify(name)} cannot be sent as it is; give a token as name and a value without control characters.`;
      throw new LongwireError("invalid_header", message);
    },
  );
  return Object.fromEntries(entries);
}
