import type {
  DataNamed,
  Feed,
  FeedStatus,
  Live,
  LiveApi,
  ParamsNamed,
  TopicName,
} from "../live/client/index.ts";
import type { Readable } from "./readable.ts";

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
): Readable<TopicView<DataNamed<Api, Name>>> {
  type Data = DataNamed<Api, Name>;
  const feed = live.topic(name, params) as unknown as Feed<unknown, Data>;
  const view = (): TopicView<Data> => ({ status: feed.status, entries: feed.entries });
  return {
    subscribe: (run) => {
      const stop = feed.onChange(() => run(view()));
      run(view());
      return stop;
    },
  };
}
