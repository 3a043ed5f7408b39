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
   * Schedules the component's updates. Pass `requestAnimationFrame` for data that changes more
   * often than the screen. Default: updates are immediate.
   */
  schedule?: Schedule | undefined;
  /**
   * Called immediately with each item: each event of a log topic, each set or removal of a keyed
   * one.
   */
  onItem?: ((item: Item) => unknown) | undefined;
}

/** A topic in a component. */
export interface TopicView<Data> {
  /** The state of a keyed topic: always the same map; the ref triggers when its content changes. */
  readonly entries: Readonly<ShallowRef<ReadonlyMap<string, Data>>>;
  readonly status: Readonly<ShallowRef<FeedStatus>>;
}

/**
 * Subscribes to a topic while the component or effect scope that uses it exists.
 *
 * A page rendered on a server shows no entries.
 *
 * @param name the topic's name; if it is a ref or a getter, a new name switches to another topic
 * @param params narrows the topic; a ref or a getter likewise
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
    const notify = (): void => {
      // An update scheduled for the previous topic may run after the switch.
      if (feed !== followed) return;
      status.value = feed.status;
      entries.value = feed.entries;
      // The map object is the same, so the ref must be triggered.
      triggerRef(entries);
    };
    const stopWatching = feed.onChange(oncePerTurn(options.schedule, notify));
    const stopItems = options.onItem && feed.subscribe(options.onItem, () => {});
    notify();
    return () => {
      stopWatching();
      stopItems?.();
    };
  };

  watch(
    // Compared by content: equal name and params return the same feed.
    (): Followed => live.topic(toValue(name), toValue(params)),
    (feed) => {
      // First, because two subscriptions to one name would need two connections.
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
