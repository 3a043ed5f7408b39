import type { Clock } from "../../base/index.ts";

/**
 * The time of a client's computer, which may have slept.
 *
 * `performance.now()` stands still meanwhile, and a publish would be repeated long after the
 * server has forgotten it. So `now()` is as far ahead as the wall clock has ever been. And here a
 * timer does keep a Node process alive: one that waits to connect again is not done.
 */
export function clientClock(): Clock {
  let ahead = 0;
  return {
    now: () => {
      const awake = performance.now();
      ahead = Math.max(ahead, Date.now() - awake);
      return awake + ahead;
    },
    after: (delayMs, expire) => {
      // What is due by now may be due below 0, of which newer Nodes warn.
      const timer = setTimeout(expire, Math.max(0, delayMs));
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
