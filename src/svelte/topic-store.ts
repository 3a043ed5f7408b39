import { derived } from "svelte/store";
import {
  entriesSource,
  NO_ENTRIES,
  type RateOptions,
  type ViewOptions,
} from "../bindings/index.ts";
import type {
  DataNamed,
  Feed,
  FeedStatus,
  ItemNamed,
  Live,
  LiveApi,
  ParamsNamed,
  TopicName,
} from "../live/client/index.ts";
import { storeOf, type MaybeStore } from "./maybe-store.ts";
import type { Readable } from "./readable.ts";
import { sourceStore } from "./source-store.ts";

/** A topic at one moment. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** Why the topic is `refused` or has `ended`: a LongwireError with the server's code. */
  readonly error: Error | undefined;
  /**
   * The state of a keyed topic: the same map as long as the topic is the same, which changes with
   * it.
   */
  readonly entries: ReadonlyMap<string, Data>;
  /** Whether the entries are those of the previous topic. Only with `keepPrevious`. */
  readonly isPrevious: boolean;
}

/**
 * Returns a topic as a store; the topic is subscribed to while the store has subscribers.
 *
 * A page rendered on a server shows no entries.
 *
 * @param name the topic's name; if it is a store, a new name switches to another topic
 * @param params narrows the topic; a store likewise, such as `toStore(() => ({ deviceType }))`
 */
export function topicStore<Api extends LiveApi, const Name extends TopicName<Api>>(
  live: Live<Api>,
  name: MaybeStore<Name>,
  params?: MaybeStore<ParamsNamed<Api, Name> | undefined>,
  options: ViewOptions & RateOptions = {},
): Readable<TopicView<DataNamed<Api, Name>>> {
  type Followed = Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>>;
  const found = derived([storeOf(name), storeOf(params)], ([name, params]): Followed =>
    live.topic(name, params, { maxPerSecond: options.maxPerSecond }),
  );
  return entriesStore(found, options);
}

/** Returns the entries of the feed in a store as a store. */
export function entriesStore<Item, Data>(
  found: Readable<Feed<Item, Data>>,
  options: ViewOptions,
): Readable<TopicView<Data>> {
  return sourceStore<Feed<Item, Data>, TopicView<Data>>(
    found,
    (feed, previous) => entriesSource(feed, { ...options, previous }),
    NO_ENTRIES,
  );
}
