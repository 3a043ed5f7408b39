import type { StartingPoint } from "../live/client/index.ts";
import type { Schedule } from "./once-per-turn.ts";

/**
 * Options of everything that shows a topic. In React, the values of the first render with a topic
 * count.
 */
export interface ViewOptions {
  /**
   * Schedules the updates. Pass `requestAnimationFrame` for data that changes more often than the
   * screen. Default: updates are immediate; for a log, once per turn of the event loop.
   */
  schedule?: Schedule | undefined;
  /**
   * Whether the previous topic's data stays, with `isPrevious`, when the name or the params change,
   * until the new topic is live or has ended. Default `false`: the view is empty meanwhile.
   */
  keepPrevious?: boolean | undefined;
}

/** Options of a keyed topic's view. */
export interface RateOptions {
  /**
   * How often the server sends what has changed, at most 10 a second. Default: each change at once.
   */
  maxPerSecond?: number | undefined;
}

/** Options of a log topic's view. */
export interface LogOptions extends ViewOptions {
  /**
   * Which kept events are shown first, for example `{ last: 50 }`. Default: none, the list begins
   * with the next event.
   */
  from?: StartingPoint | undefined;
  /**
   * The most events and gaps that are kept, the newest ones: an integer from 1. Default 1,000.
   */
  limit?: number | undefined;
}
