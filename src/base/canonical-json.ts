/**
 * JSON with the keys of every object in order, so that equal values give equal text; `undefined`
 * for what JSON cannot hold, or only deeper than the stack reaches.
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
