import { expect } from "vitest";

/** Generous, because the machine may be busy; a condition that never holds fails anyway. */
const DEADLINE_MS = 40_000;

/** Repeats an expectation on the result of `look` until it holds. */
export function eventually<Seen>(look: () => Seen): ReturnType<typeof expect.poll<Seen>> {
  return expect.poll(look, { timeout: DEADLINE_MS, interval: 10 });
}
