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
   * Runs what tells subscribers of changes, now or later: `requestAnimationFrame` for data that
   * changes more often than a screen does. Default: at once.
   */
  schedule?: Schedule | undefined;
}

/** A topic at one moment. */
export interface TopicView<Data> {
  readonly status: FeedStatus;
  /** Of a keyed topic its state: the same map each time, with other content. */
  readonly entries: ReadonlyMap<string, Data>;
}

/** A topic as a store; it is followed while somebody subscribes to the store. */
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
      const tell = (): void => {
        // What was scheduled may come after the end.
        if (!isOver) run({ status: feed.status, entries: feed.entries });
      };
      const stop = feed.onChange(oncePerTurn(schedule, tell));
      tell();
      return () => {
        isOver = true;
        stop();
      };
    },
  };
}
