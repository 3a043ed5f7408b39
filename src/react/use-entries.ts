import { useEffect, useRef } from "react";
import { entriesSource, NO_ENTRIES, type ViewOptions } from "../bindings/index.ts";
import type { Feed, FeedStatus } from "../live/client/index.ts";
import { useSource } from "./use-source.ts";

export interface UseTopicOptions<Item> extends ViewOptions {
  /**
   * Called immediately with each item: each event of a log topic, each set or removal of a keyed
   * one. The function passed last is used.
   */
  onItem?: ((item: Item) => unknown) | undefined;
}

/** A topic at one moment; each change creates a new object. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** Why the topic is `refused` or has `ended`: a LongwireError with the server's code. */
  readonly error: Error | undefined;
  /** The state of a keyed topic; a copy, made on first access. */
  readonly entries: ReadonlyMap<string, Data>;
  /** Whether the entries are those of the previous topic. Only with `keepPrevious`. */
  readonly isPrevious: boolean;
}

/** Shows the entries of a feed, and rerenders when they change. */
export function useEntries<Item, Data>(
  feed: Feed<Item, Data>,
  { onItem, schedule, keepPrevious }: UseTopicOptions<Item>,
): TopicView<Data> {
  const newest = useRef(onItem);
  useEffect(() => void (newest.current = onItem));
  const isListening = onItem !== undefined;
  useEffect(
    () =>
      isListening
        ? feed.subscribe(
            (item) => newest.current?.(item),
            () => {},
          )
        : undefined,
    [feed, isListening],
  );
  return useSource<TopicView<Data>>(
    feed,
    (previous) => entriesSource(feed, { schedule, keepPrevious, isCopied: true, previous }),
    NO_ENTRIES,
  );
}
