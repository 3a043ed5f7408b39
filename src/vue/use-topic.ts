import {
  onScopeDispose,
  shallowRef,
  toValue,
  triggerRef,
  watch,
  type MaybeRefOrGetter,
  type ShallowRef,
} from "vue";
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
import { isRenderedOnServer } from "./is-rendered-on-server.ts";

export interface UseTopicOptions<Item> {
  /**
   * Runs what tells the component of changes, now or later: `requestAnimationFrame` for data that
   * changes more often than a screen does. Default: at once.
   */
  schedule?: Schedule | undefined;
  /** Called at once with each item: each event of a log topic, each set or removal of a keyed one. */
  onItem?: ((item: Item) => unknown) | undefined;
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
 * A page that a server renders shows no entries.
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
  type Followed = Feed<ItemNamed<Api, Name>, Data>;
  const entries = shallowRef<ReadonlyMap<string, Data>>(new Map());
  const status = shallowRef<FeedStatus>({ state: "closed" });
  if (isRenderedOnServer()) return { entries, status };
  let followed: Followed | undefined;
  let stop = (): void => {};

  const follow = (feed: Followed): (() => void) => {
    const tell = (): void => {
      // What was scheduled for a topic may come after its end.
      if (feed !== followed) return;
      status.value = feed.status;
      entries.value = feed.entries;
      // The map is the same one; what it holds is not.
      triggerRef(entries);
    };
    const stopWatching = feed.onChange(oncePerTurn(options.schedule, tell));
    const stopItems = options.onItem && feed.subscribe(options.onItem, () => {});
    tell();
    return () => {
      stopWatching();
      stopItems?.();
    };
  };

  watch(
    // By content: of equal name and params the feed is the same.
    (): Followed => live.topic(toValue(name), toValue(params)),
    (feed) => {
      // Before the next one is asked for: two of one name would need two connections.
      stop();
      followed = feed;
      stop = follow(feed);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    stop();
    followed = undefined;
  });
  return { entries, status };
}
