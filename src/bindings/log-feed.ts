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

/** Returns the feed of a log topic; the one place where a binding opens it. */
export function logFeed<Api extends LiveApi, const Name extends LogName<Api>>(
  live: Live<Api>,
  name: Name,
  params: ParamsNamed<Api, Name> | undefined,
  // A feed has no options yet.
  _options: LogOptions,
): Feed<LogItem<DataNamed<Api, Name>>, unknown> {
  // The compiler does not see that a topic with such a name is a log.
  const feed: unknown = live.topic(name, params);
  return feed as Feed<LogItem<DataNamed<Api, Name>>, unknown>;
}
