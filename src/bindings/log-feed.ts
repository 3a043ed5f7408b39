import type {
  DataNamed,
  Feed,
  Live,
  LiveApi,
  LogItem,
  ParamsNamed,
  TopicName,
} from "../live/client/index.ts";
import type { LogOptions } from "./options.ts";

/** The names of an API's log topics: those that a client can publish to. */
export type LogName<Api extends LiveApi> = Parameters<Live<Api>["publish"]>[0] & TopicName<Api>;

/** Finds the feed of a log topic. */
export type FindLogFeed = <Api extends LiveApi, const Name extends LogName<Api>>(
  live: Live<Api>,
  name: Name,
  params: ParamsNamed<Api, Name> | undefined,
  options: LogOptions,
) => Feed<LogItem<DataNamed<Api, Name>>, unknown>;

/**
 * Returns a function that finds a log's feed, and the same one as long as it is asked for the same:
 * a feed with `from` is another one at each call of `topic`, and would begin again.
 */
export function logFeedFinder(): FindLogFeed {
  let found: { live: object; key: string; feed: unknown } | undefined;
  return (live, name, params, { from }) => {
    const key = JSON.stringify([name, params, from]);
    if (found?.live !== live || found.key !== key) {
      const feed: unknown = live.topic(name, params, { from });
      found = { live, key, feed };
    }
    // The compiler does not see that a topic with such a name is a log.
    return found.feed as never;
  };
}
