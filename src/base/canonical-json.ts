/**
 * Returns JSON with the keys of every object sorted, so that equal values give equal text. Returns
 * `undefined` for a value that cannot be serialized as JSON, or is nested too deeply for the stack.
 */
export function canonicalJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_name, part: unknown) => {
      if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
      const entries = Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(entries);
    });
  } catch {
    return undefined;
  }
}
