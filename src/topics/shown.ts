import { oneLine } from "./application-error.ts";

/** Describes a value briefly for an error message, without what is inside it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return oneLine(JSON.stringify(value)).slice(0, 100);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null) {
    return String(value);
  }
  return typeof (value as { then?: unknown }).then === "function" ? "a promise" : "an object";
}
