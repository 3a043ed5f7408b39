const MAX_LENGTH = 100;

/** Describes a wrong value for an error message: short, and on one line. */
export function shown(value: unknown): string {
  if (typeof value === "string") return text(JSON.stringify(value));
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null) return String(value);
  return typeof (value as { then?: unknown }).then === "function" ? "a promise" : "an object";
}

function text(quoted: string): string {
  // JSON leaves these as they are, and a terminal may break the line at them.
  const line = quoted.replaceAll(/[\u007F-\u009F\u2028\u2029]+/g, " ");
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
}
