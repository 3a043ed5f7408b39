import type { RateOptions } from "../bindings/index.ts";
import type {
  DataNamed,
  Feed,
  ItemNamed,
  Live,
  LiveApi,
  ParamsNamed,
  TopicName,
} from "../live/client/index.ts";
import { useEntries, type TopicView, type UseTopicOptions } from "./use-entries.ts";

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
  options: UseTopicOptions<ItemNamed<Api, Name>> & RateOptions = {},
): TopicView<DataNamed<Api, Name>> {
  // Equal name and params return the same feed in each render.
  const feed: Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>> = live.topic(name, params, {
    maxPerSecond: options.maxPerSecond,
  });
  return useEntries(feed, options);
}
