import type { Symptom } from "../judge.ts";

/** Something in the built code that stands against an attack, and how it is taken out. */
export interface Guard {
  /** Its description, in the terms of docs/reference/limits.md or docs/concepts/security.md. */
  what: string;
  /** Below the package's folder. */
  file: string;
  /** Text that the file has exactly once. */
  from: string;
  to: string;
}

/** How a row shows that its guards are gone. */
export interface Unguarded {
  row: string;
  /** The check that must fail; another failure does not count. */
  expects: Symptom;
  /** Every guard against the attack: if one is enough without the others, all of them. */
  guards: readonly Guard[];
}

/** A row whose attack meets no guard of this package. */
export interface WithoutGuard {
  row: string;
  /** Why there is none. */
  reason: string;
}

/**
 * Returns a file's text without what the guard is.
 *
 * @throws Error if the text that is to be replaced is not there exactly once
 */
export function withoutGuard(text: string, { what, file, from, to }: Guard): string {
  const parts = text.split(from);
  if (parts.length === 2) return parts.join(to);
  const found = `${parts.length - 1} times`;
  throw new Error(`"${what}" cannot be taken out: ${file} has this ${found}, not once:\n${from}`);
}
