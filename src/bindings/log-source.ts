import { LongwireError, type Feed, type FeedStatus, type LogItem } from "../live/client/index.ts";
import { NewestItems } from "./newest-items.ts";
import { oncePerTurn } from "./once-per-turn.ts";
import type { LogOptions } from "./options.ts";
import type { Source } from "./source.ts";
import { errorOf, isSettled } from "./status-error.ts";

/** The most events and gaps that are kept by default. */
const LIMIT = 1_000;

/** An event of a log topic. */
export type LogEvent<Data> = Extract<LogItem<Data>, { type: "event" }>;

/** The newest events of a log topic at one moment; each change creates a new object. */
export interface LogView<Data> {
  /** The newest events, oldest first, and at its place each gap: events that are lost. */
  readonly items: readonly LogItem<Data>[];
  /** The same without the gaps. */
  readonly events: readonly LogEvent<Data>[];
  readonly status: FeedStatus;
  /**
   * Why the topic is `refused` or has `ended`: a LongwireError with the server's code; or
   * `not_a_log` for a keyed topic, which has entries instead of events.
   */
  readonly error: Error | undefined;
  /** Whether the items are those of the previous topic. Only with `keepPrevious`. */
  readonly isPrevious: boolean;
}

/** The view of a log before it is followed, and of every log on a server. */
export const NO_ITEMS: LogView<never> = {
  items: [],
  events: [],
  status: { state: "closed" },
  error: undefined,
  isPrevious: false,
};

/**
 * Returns the newest items that a log topic delivers while it is followed.
 *
 * @param previous the last view of the feed that this one replaces
 * @throws LongwireError `invalid_option`
 */
export function logSource<Data>(
  feed: Feed<LogItem<Data>, unknown>,
  { limit = LIMIT, schedule = queueMicrotask, keepPrevious }: LogOptions,
  previous?: LogView<Data>,
): Source<LogView<Data>> {
  const list = new NewestItems<LogItem<Data>>(limit);
  let kept = keepPrevious && previous && previous.items.length > 0 ? previous : undefined;
  const viewNow = (): LogView<Data> => {
    const { status } = feed;
    if (isSettled(status)) kept = undefined;
    const items = kept?.items ?? list.newest();
    const events = kept?.events ?? items.filter((item) => item.type === "event");
    const error = errorOf(status) ?? (feed.kind === "keyed" ? notALog(feed.name) : undefined);
    return { items, events, status, error, isPrevious: kept !== undefined };
  };
  let shown = viewNow();

  return {
    view: () => shown,
    follow: (onChange) => {
      let isOver = false;
      const update = oncePerTurn(schedule, () => {
        // A scheduled update may run after the end.
        if (isOver) return;
        shown = viewNow();
        onChange();
      });
      list.clear();
      const stop = readAgain(feed, update, (item) => {
        // A keyed topic's items have another type.
        if ("key" in item) return;
        list.push(item);
        update();
      });
      // The view of an earlier following is out of date.
      if (shown.status !== feed.status || shown.items.length > 0) shown = viewNow();
      return () => {
        isOver = true;
        stop();
      };
    },
  };
}

/**
 * Reads a feed, and again if it has ended and another reader has opened it again.
 *
 * @param onChange called after each change of the feed's status or kind
 */
function readAgain<Item>(
  feed: Feed<Item, unknown>,
  onChange: () => void,
  onItem: (item: Item) => void,
): () => void {
  let stopItems: (() => void) | undefined;
  const read = (): void => {
    stopItems = feed.subscribe(onItem, () => (stopItems = undefined));
  };
  read();
  const stopWatching = feed.onChange(() => {
    const { state } = feed.status;
    if (stopItems === undefined && state !== "ended" && state !== "closed") read();
    onChange();
  });
  return () => {
    stopWatching();
    stopItems?.();
  };
}

function notALog(name: string): LongwireError {
  const message = `"${name}" is a keyed topic, which has entries instead of events; show it with useTopic or topicStore.`;
  return new LongwireError("not_a_log", message);
}
