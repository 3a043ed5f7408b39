import { shallowRef, triggerRef, type ShallowRef } from "vue";
import {
  entriesSource,
  NO_ENTRIES,
  type EntriesView,
  type ViewOptions,
} from "../bindings/index.ts";
import type { Feed, FeedStatus } from "../live/client/index.ts";
import { followSource } from "./follow-source.ts";
import { isRenderedOnServer } from "./is-rendered-on-server.ts";

export interface UseTopicOptions<Item> extends ViewOptions {
  /**
   * Called immediately with each item: each event of a log topic, each set or removal of a keyed
   * one.
   */
  onItem?: ((item: Item) => unknown) | undefined;
}

/** A topic in a component. */
export interface TopicView<Data> {
  /**
   * The state of a keyed topic: the same map as long as the topic is the same; the ref triggers when
   * its content changes.
   */
  readonly entries: Readonly<ShallowRef<ReadonlyMap<string, Data>>>;
  readonly status: Readonly<ShallowRef<FeedStatus>>;
  /** Why the topic is `refused` or has `ended`: a LongwireError with the server's code. */
  readonly error: Readonly<ShallowRef<Error | undefined>>;
  /** Whether the entries are those of the previous topic. Only with `keepPrevious`. */
  readonly isPrevious: Readonly<ShallowRef<boolean>>;
}

/** Shows the entries of the feed that `find` returns; none on a server that renders the page. */
export function useEntries<Item, Data>(
  find: () => Feed<Item, Data>,
  options: UseTopicOptions<Item>,
): TopicView<Data> {
  const entries = shallowRef<ReadonlyMap<string, Data>>(new Map());
  const status = shallowRef<FeedStatus>(NO_ENTRIES.status);
  const error = shallowRef<Error | undefined>();
  const isPrevious = shallowRef(false);
  const show = (view: EntriesView<Data>): void => {
    status.value = view.status;
    error.value = view.error;
    isPrevious.value = view.isPrevious;
    if (entries.value !== view.entries) entries.value = view.entries;
    // The map object is the same, so the ref must be triggered.
    else if (!view.isPrevious) triggerRef(entries);
  };
  if (!isRenderedOnServer()) {
    const sourceOf = (feed: Feed<Item, Data>, previous: EntriesView<Data> | undefined) =>
      entriesSource(feed, { ...options, previous });
    followSource(find, sourceOf, show);
  }
  return { entries, status, error, isPrevious };
}
