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
   * Schedules the component's updates. Pass `requestAnimationFrame` for data that changes more
   * often than the screen. Default: updates are immediate. The value of the first render counts.
   */
  schedule?: Schedule | undefined;
  /**
   * Called immediately with each item: each event of a log topic, each set or removal of a keyed
   * one. The function passed last is used.
   */
  onItem?: ((item: Item) => unknown) | undefined;
}

/** A topic at one moment; each change creates a new object. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** The state of a keyed topic; a copy, made on first access. */
  readonly entries: ReadonlyMap<string, Data>;
}

/**
 * Subscribes to a topic while the component is mounted, and rerenders when it changes.
 *
 * A page rendered on a server shows no entries.
 *
 * @param params narrows the topic; equal params may be a new object in each render
 */
export function useTopic<Api extends LiveApi, const Name extends TopicName<Api>>(
  live: Live<Api>,
  name: Name,
  params?: ParamsNamed<Api, Name>,
  options: UseTopicOptions<ItemNamed<Api, Name>> = {},
): TopicView<DataNamed<Api, Name>> {
  type Followed = Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>>;
  const { onItem } = options;
  // Equal name and params return the same feed in each render.
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

/** Wraps a feed as an external store: its snapshot is the same object until something changes. */
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
