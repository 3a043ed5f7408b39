import { expect } from "vitest";

/** The machine may be busy, and what never comes fails all the same. */
const DEADLINE_MS = 40_000;

/** Expects of what `look` returns, again and again until it is so. */
export function eventually<Seen>(look: () => Seen): ReturnType<typeof expect.poll<Seen>> {
  return expect.poll(look, { timeout: DEADLINE_MS, interval: 10 });
}
