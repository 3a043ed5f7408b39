import type { Feed, FeedStatus } from "../live/client/index.ts";
import { oncePerTurn } from "./once-per-turn.ts";
import type { ViewOptions } from "./options.ts";
import type { Source } from "./source.ts";
import { errorOf, isSettled } from "./status-error.ts";

/** A keyed topic at one moment. */
export interface EntriesView<Data> {
  readonly status: FeedStatus;
  readonly error: Error | undefined;
  readonly entries: ReadonlyMap<string, Data>;
  readonly isPrevious: boolean;
}

interface EntriesSourceOptions<Item, Data> extends ViewOptions {
  /** Called immediately with each item. */
  onItem?: ((item: Item) => unknown) | undefined;
  /** Whether each view has its own copy of the entries, made on first access. */
  isCopied?: boolean;
  /** The last view of the feed that this one replaces, which is still being followed. */
  previous?: EntriesView<Data> | undefined;
}

/** The view of a feed before it is followed, and of every feed on a server. */
export const NO_ENTRIES: EntriesView<never> = {
  status: { state: "closed" },
  error: undefined,
  entries: new Map<string, never>(),
  isPrevious: false,
};

/** Returns the entries of a feed, and those of the feed that it replaces until it is live. */
export function entriesSource<Item, Data>(
  feed: Feed<Item, Data>,
  { schedule, keepPrevious, onItem, isCopied = false, previous }: EntriesSourceOptions<Item, Data>,
): Source<EntriesView<Data>> {
  let kept = keepPrevious ? entriesToKeep(previous) : undefined;
  let shown: { version: number; view: EntriesView<Data> } | undefined;
  return {
    view: () => {
      if (shown?.version !== feed.version) {
        if (isSettled(feed.status)) kept = undefined;
        shown = { version: feed.version, view: new FeedView(feed, kept, isCopied) };
      }
      return shown.view;
    },
    follow: (onChange) => {
      let isOver = false;
      // A scheduled update may run after the end.
      const notify = (): void => void (isOver || onChange());
      const stopWatching = feed.onChange(oncePerTurn(schedule, notify));
      const stopItems = onItem && feed.subscribe(onItem, () => {});
      return () => {
        isOver = true;
        stopWatching();
        stopItems?.();
      };
    },
  };
}

/** A copy, because the feed clears its map as soon as nobody follows it. */
function entriesToKeep<Data>(
  previous: EntriesView<Data> | undefined,
): ReadonlyMap<string, Data> | undefined {
  if (previous === undefined || previous.entries.size === 0) return undefined;
  return previous.isPrevious ? previous.entries : new Map(previous.entries);
}

class FeedView<Data> implements EntriesView<Data> {
  readonly status: FeedStatus;
  readonly isPrevious: boolean;
  readonly #feed: Feed<unknown, Data>;
  readonly #isCopied: boolean;
  #entries: ReadonlyMap<string, Data> | undefined;

  constructor(
    feed: Feed<unknown, Data>,
    kept: ReadonlyMap<string, Data> | undefined,
    isCopied: boolean,
  ) {
    this.status = feed.status;
    this.isPrevious = kept !== undefined;
    this.#feed = feed;
    this.#isCopied = isCopied;
    this.#entries = kept;
  }

  get error(): Error | undefined {
    return errorOf(this.status);
  }

  get entries(): ReadonlyMap<string, Data> {
    const { entries } = this.#feed;
    return (this.#entries ??= this.#isCopied ? new Map(entries) : entries);
  }
}
