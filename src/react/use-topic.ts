import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
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

/** A topic as it was at one moment; another moment is another object. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** Of a keyed topic its state; a copy, made when it is asked for first. */
  readonly entries: ReadonlyMap<string, Data>;
}

/**
 * Follows a topic for as long as the component is mounted.
 *
 * @param params what narrows it; equal ones may be another object in each render
 * @param onItem called with each item: each event of a log topic, each set or removal of a keyed
 *   one; the newest function that was given
 */
export function useTopic<Api extends LiveApi, const Name extends TopicName<Api>>(
  live: Live<Api>,
  name: Name,
  params?: ParamsNamed<Api, Name>,
  onItem?: (item: ItemNamed<Api, Name>) => unknown,
): TopicView<DataNamed<Api, Name>> {
  type Data = DataNamed<Api, Name>;
  const content = JSON.stringify(params);
  const feed = useMemo(
    () => live.topic(name, params) as Feed<ItemNamed<Api, Name>, Data>,
    // By content: `params` itself is another object in each render.
    [live, name, content],
  );
  const views = useMemo(() => viewsOf(feed), [feed]);
  const newest = useRef(onItem);
  newest.current = onItem;
  const hasListener = onItem !== undefined;
  useEffect(
    () =>
      hasListener
        ? feed.subscribe(
            (item) => newest.current?.(item),
            () => {},
          )
        : undefined,
    [feed, hasListener],
  );
  return useSyncExternalStore(views.subscribe, views.present, views.present);
}

/** A feed as a store: what it shows is the same object until something is another. */
function viewsOf<Item, Data>(
  feed: Feed<Item, Data>,
): { subscribe: (onChange: () => void) => () => void; present: () => TopicView<Data> } {
  let shown: { version: number; view: TopicView<Data> } | undefined;
  return {
    subscribe: (onChange) => feed.onChange(onChange),
    present: () => {
      if (shown?.version !== feed.version) {
        shown = { version: feed.version, view: new FeedView(feed) };
      }
      return shown.view;
    },
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
