import type { TopicEvent } from "../event.ts";
import { matcherOf, type Narrowing } from "../matching/narrowing.ts";
import type { Offset } from "../position.ts";
import type { Work } from "../slices/work.ts";
import type { EventLog } from "./event-log.ts";

/** A walk over a log topic's events towards its oldest one. */
export interface LookBack {
  /** The events before this offset are still to be visited. */
  readonly before: Offset;
  /** Older events end the walk: when they were appended, in ms since the Unix epoch. */
  readonly oldestAt: number;
}

/** How far a slice of the walk came, and why it ended. */
export interface LookedBack {
  /** The events before this offset were not visited, or are too old. */
  readonly before: Offset;
  /**
   * `end`: no more events are kept, or they are too old; `enough`: `take` refused one; `yield`: the
   * slice is used up.
   */
  readonly end: "end" | "enough" | "yield";
}

/** Calls `take` with each matching event, newest first, until it returns false or the slice ends. */
export function lookBack(
  { log, narrowing }: { log: EventLog; narrowing: Narrowing },
  { before, oldestAt }: LookBack,
  { work, take }: { work: Work; take: (event: TopicEvent) => boolean },
): LookedBack {
  if (narrowing.kind === "none") return { before, end: "end" };
  const isParsed = narrowing.kind !== "all";
  const matches = matcherOf(narrowing);
  let reached = before;
  for (const event of log.before(before)) {
    // At least one event per slice, even if the slice is already used up.
    if (work.isUsedUp && reached < before) return { before: reached, end: "yield" };
    work.visit();
    if (event.at < oldestAt) return { before: reached, end: "end" };
    if (isParsed) work.read(event.json);
    if (matches(event) && !take(event)) return { before: reached, end: "enough" };
    reached = event.offset;
  }
  return { before: reached, end: "end" };
}
