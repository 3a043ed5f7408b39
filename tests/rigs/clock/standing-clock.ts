import { type Clock, systemClock } from "../../../src/base/index.ts";

/**
 * A clock with real timers whose time stands still. A busy machine can then not make a server defer
 * work to a later turn, for tests of what one turn does.
 */
export const standingClock: Clock = {
  now: () => 1_000_000,
  after: (delayMs, expire) => systemClock.after(delayMs, expire),
};
