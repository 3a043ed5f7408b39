import type { Unguarded, WithoutGuard } from "./guard.ts";
import { input } from "./input.ts";
import { live } from "./live.ts";
import { output } from "./output.ts";

/** The guards to remove from the built code, for each row that attacks. */
export const unguarded: readonly Unguarded[] = [...output, ...input, ...live];

/** Rows whose attack meets no guard of this package. */
export const withoutGuard: readonly WithoutGuard[] = [];
