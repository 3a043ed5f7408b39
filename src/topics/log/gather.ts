import type { EventLog } from "./event-log.ts";
import type { FieldIndexes, Test } from "../matching/field-indexes.ts";
import { matchesPairs, type FieldPair, type Narrowing } from "../matching/narrowing.ts";
import type { Offset } from "../position.ts";
import { asRemoved, type TopicEvent } from "../event.ts";
import type { Walk } from "./walk.ts";
import type { Work } from "../slices/work.ts";

/** The approximate overhead of an entry beyond its key and data. */
const ENTRY_OVERHEAD_BYTES = 48;

/** Where entries are gathered from. */
interface Source {
  readonly log: EventLog;
  readonly indexes: FieldIndexes | undefined;
  readonly narrowing: Narrowing;
  /** Whether the reader must learn that the event's key is gone. */
  wasLost(event: TopicEvent): boolean;
}

/** The entries of one page, and the walk's new position. */
export interface Gathered {
  readonly entries: readonly TopicEvent[];
  readonly reached: Offset;
  /** Why the page ends: no more entries, the page is full, or the slice is used up. */
  readonly end: "last" | "full" | "yield";
}

/** The events that a walk has to check, oldest first, and the test for a match. */
interface Candidates {
  readonly events: Iterable<TopicEvent>;
  readonly test: Test;
}

/** Gathers a page of entries after `walk.reached`, up to `maxBytes` or the end of the slice. */
export function gather(
  source: Source,
  walk: Walk,
  { work, maxBytes }: { work: Work; maxBytes: number },
): Gathered {
  const candidates = candidatesOf(source, walk, work);
  const entries: TopicEvent[] = [];
  let { reached } = walk;
  if (candidates === undefined) return { entries, reached, end: "yield" };
  let size = 0;
  for (const event of candidates.events) {
    // At least one event per slice, even if the slice is already used up.
    if (work.isUsedUp && reached > walk.reached) return { entries, reached, end: "yield" };
    if (walk.until !== undefined && event.offset >= walk.until) break;
    work.visit();
    const entry = entryOf(event, candidates.test, { source, work });
    if (entry !== undefined) {
      if (size > maxBytes) return { entries, reached, end: "full" };
      work.write(entry.json);
      entries.push(entry);
      size += entry.json.length + (entry.key?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
    }
    reached = event.offset;
  }
  return { entries, reached: endOf(walk, source.log), end: "last" };
}

/** The last offset that a walk covers. */
export function endOf({ until = Infinity }: Walk, { lastOffset }: EventLog): Offset {
  return Math.min(until - 1, lastOffset);
}

function entryOf(
  event: TopicEvent,
  test: Test,
  { source, work }: { source: Source; work: Work },
): TopicEvent | undefined {
  if (!event.removed && test(event, work)) return event;
  return source.wasLost(event) ? asRemoved(event) : undefined;
}

/** `undefined` while an index is being built. */
function candidatesOf(source: Source, walk: Walk, work: Work): Candidates | undefined {
  const { log, narrowing } = source;
  const all = log.after(walk.reached);
  switch (narrowing.kind) {
    case "all":
      return { events: all, test: () => true };
    case "none":
      return onlyChanges(log, walk);
    case "fields":
      return narrowed(source, narrowing.pairs, { walk, work });
    case "opaque":
      return { events: all, test: readAnd(narrowing.matches) };
  }
}

function narrowed(
  { log, indexes }: Source,
  pairs: readonly FieldPair[],
  { walk, work }: { walk: Walk; work: Work },
): Candidates | undefined {
  const all = log.after(walk.reached);
  if (indexes === undefined) {
    return { events: all, test: readAnd(({ json }) => matchesPairs(pairs, json)) };
  }
  const found = indexes.find(pairs, work);
  switch (found.kind) {
    case "building":
      return undefined;
    case "none":
      return onlyChanges(log, walk);
    case "few":
      return { events: fewAndChanges(log, walk, { few: found.events, work }), test: found.test };
    case "many":
      return { events: all, test: found.test };
  }
}

/** Nothing matches, but keys that changed since the walk's base may have to be removed. */
function onlyChanges(log: EventLog, { reached, base }: Walk): Candidates {
  return { events: log.after(Math.max(reached, base)), test: () => false };
}

/**
 * Up to the walk's base, only matching events are sent; after it, also removals of keys that no
 * longer match.
 */
function* fewAndChanges(
  log: EventLog,
  { reached, base }: Walk,
  { few, work }: { few: Iterable<TopicEvent>; work: Work },
): Generator<TopicEvent, void, undefined> {
  for (const event of few) {
    if (event.offset > base) break;
    if (event.offset > reached) yield event;
    else work.units += 1;
  }
  yield* log.after(Math.max(reached, base));
}

function readAnd(matches: (event: TopicEvent) => boolean): Test {
  return (event, work) => {
    work.read(event.json);
    return matches(event);
  };
}
