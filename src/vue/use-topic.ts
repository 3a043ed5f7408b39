import {
  onScopeDispose,
  shallowRef,
  toValue,
  triggerRef,
  watch,
  type MaybeRefOrGetter,
  type ShallowRef,
} from "vue";
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
   * Runs what tells the page of changes, now or later: `requestAnimationFrame` for data that
   * changes more often than a screen does. Default: at once.
   */
  schedule?: (tell: () => void) => void;
  /** Called with each item: each event of a log topic, each set or removal of a keyed one. */
  onItem?: (item: Item) => unknown;
}

/** A topic in a component. */
export interface TopicView<Data> {
  /** Of a keyed topic its state: the same map, told of when its content is another. */
  readonly entries: Readonly<ShallowRef<ReadonlyMap<string, Data>>>;
  readonly status: Readonly<ShallowRef<FeedStatus>>;
}

/**
 * Follows a topic for as long as the component, or the effect scope, lives that it is used in.
 *
 * @param name the topic's name; given as a ref or a getter, another name is another topic
 * @param params what narrows it, likewise
 */
export function useTopic<Api extends LiveApi, const Name extends TopicName<Api>>(
  live: Live<Api>,
  name: MaybeRefOrGetter<Name>,
  params?: MaybeRefOrGetter<ParamsNamed<Api, Name> | undefined>,
  options: UseTopicOptions<ItemNamed<Api, Name>> = {},
): TopicView<DataNamed<Api, Name>> {
  type Data = DataNamed<Api, Name>;
  const { schedule = (tell: () => void): void => tell(), onItem } = options;
  const entries = shallowRef<ReadonlyMap<string, Data>>(new Map());
  const status = shallowRef<FeedStatus>({ state: "closed" });
  let stop = (): void => {};

  const follow = (feed: Feed<ItemNamed<Api, Name>, Data>): void => {
    let isTelling = false;
    let isOver = false;
    const tell = (): void => {
      isTelling = false;
      if (isOver) return;
      status.value = feed.status;
      entries.value = feed.entries;
      // The map is the same one; what it holds is not.
      triggerRef(entries);
    };
    const stopWatching = feed.onChange(() => {
      if (isTelling) return;
      isTelling = true;
      schedule(tell);
    });
    const stopItems = onItem === undefined ? () => {} : feed.subscribe(onItem, () => {});
    stop = () => {
      isOver = true;
      stopWatching();
      stopItems();
    };
    tell();
  };

  watch(
    // By content: a getter gives another object each time.
    () => [toValue(name), JSON.stringify(toValue(params))] as const,
    ([topic]) => {
      const before = stop;
      follow(live.topic(topic, toValue(params)));
      // Only now: the same topic with the same params is not asked for again.
      before();
    },
    { immediate: true },
  );
  onScopeDispose(() => stop());
  return { entries, status };
}
