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
import type { Readable } from "./readable.ts";

export interface TopicStoreOptions {
  /**
   * Schedules updates of the store. Pass `requestAnimationFrame` for data that changes more often
   * than the screen. Default: updates are immediate.
   */
  schedule?: Schedule | undefined;
}

/** A topic at one moment. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** The state of a keyed topic: always the same map, which changes with the topic. */
  readonly entries: ReadonlyMap<string, Data>;
}

/** Returns a topic as a store; the topic is subscribed to while the store has subscribers. */
export function topicStore<Api extends LiveApi, const Name extends TopicName<Api>>(
  live: Live<Api>,
  name: Name,
  params?: ParamsNamed<Api, Name>,
  { schedule }: TopicStoreOptions = {},
): Readable<TopicView<DataNamed<Api, Name>>> {
  type Data = DataNamed<Api, Name>;
  const feed: Feed<ItemNamed<Api, Name>, Data> = live.topic(name, params);
  return {
    subscribe: (run) => {
      let isOver = false;
      const notify = (): void => {
        // A scheduled update may run after the store was unsubscribed.
        if (!isOver) run({ status: feed.status, entries: feed.entries });
      };
      const stop = feed.onChange(oncePerTurn(schedule, notify));
      notify();
      return () => {
        isOver = true;
        stop();
      };
    },
  };
}
