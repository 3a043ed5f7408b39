import { LongwireError } from "../base/index.ts";
import { isFieldValue, isToken } from "../protocol/index.ts";

/**
 * Returns the application's headers, after checking that none can inject another line.
 * (CVE-2026-1527)
 *
 * @throws LongwireError `invalid_header`
 */
export function checkedFields(headers: Record<string, string>): Record<string, string> {
  const entries = Object.entries(headers).map(
    ([name, value]: [string, unknown]): [string, string] => {
      const text = String(value);
      if (isToken(name) && isFieldValue(text)) return [name, text];
      const message = `The header ${JSON.stringify(name)} cannot be sent; use a token as the name and a value without control characters.`;
      throw new LongwireError("invalid_header", message);
    },
  );
  return Object.fromEntries(entries);
}
