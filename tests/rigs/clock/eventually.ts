import { expect, vi } from "vitest";

/** Generous, because the machine may be busy; a condition that never holds fails anyway. */
const WAIT = { timeout: 40_000, interval: 10 };

/** Repeats an expectation on the result of `look` until it holds. */
export function eventually<Seen>(look: () => Seen): ReturnType<typeof expect.poll<Seen>> {
  return expect.poll(look, WAIT);
}

/**
 * Repeats `check` until it does not throw. Take this in concurrent tests, because `eventually`
 * belongs to the test that Vitest started last.
 */
export function untilPasses(check: () => void): Promise<void> {
  return vi.waitFor(check, WAIT);
}
