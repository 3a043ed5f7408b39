import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { oncePerTurn, type Schedule } from "../bindings/index.ts";
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

export interface UseTopicOptions<Item> {
  /**
   * Runs what tells the component of changes, now or later: `requestAnimationFrame` for data that
   * changes more often than a screen does. Default: at once. The one of the first render counts.
   */
  schedule?: Schedule | undefined;
  /**
   * Called at once with each item: each event of a log topic, each set or removal of a keyed one;
   * the function that was given last.
   */
  onItem?: ((item: Item) => unknown) | undefined;
}

/** A topic as it was at one moment; another moment is another object. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** Of a keyed topic its state; a copy, made when it is asked for first. */
  readonly entries: ReadonlyMap<string, Data>;
}

/**
 * Follows a topic for as long as the component is mounted.
 *
 * A page that a server renders shows no entries.
 *
 * @param params what narrows it; equal ones may be another object in each render
 */
export function useTopic<Api extends LiveApi, const Name extends TopicName<Api>>(
  live: Live<Api>,
  name: Name,
  params?: ParamsNamed<Api, Name>,
  options: UseTopicOptions<ItemNamed<Api, Name>> = {},
): TopicView<DataNamed<Api, Name>> {
  type Followed = Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>>;
  const { onItem } = options;
  // Of equal name and params it is the same in each render.
  const feed: Followed = live.topic(name, params);
  const views = useMemo(() => viewsOf(feed, options.schedule), [feed]);
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
  return useSyncExternalStore(views.subscribe, views.present, views.onServer);
}

interface Views<Data> {
  subscribe: (onChange: () => void) => () => void;
  present: () => TopicView<Data>;
  onServer: () => TopicView<Data>;
}

/** A feed as a store: what it shows is the same object until something is another. */
function viewsOf<Item, Data>(feed: Feed<Item, Data>, schedule: Schedule | undefined): Views<Data> {
  let shown: { version: number; view: TopicView<Data> } | undefined;
  const nothing: TopicView<Data> = { status: { state: "closed" }, entries: new Map() };
  return {
    subscribe: (onChange) => feed.onChange(oncePerTurn(schedule, onChange)),
    present: () => {
      if (shown?.version !== feed.version) {
        shown = { version: feed.version, view: new FeedView(feed) };
      }
      return shown.view;
    },
    onServer: () => nothing,
  };
}

class FeedView<Data> implements TopicView<Data> {
  readonly status: FeedStatus;
  readonly #feed: Feed<unknown, Data>;
  #entries: ReadonlyMap<string, Data> | undefined;

  constructor(feed: Feed<unknown, Data>) {
    this.status = feed.status;
    this.#feed = feed;
  }

  get entries(): ReadonlyMap<string, Data> {
    return (this.#entries ??= new Map(this.#feed.entries));
  }
}
