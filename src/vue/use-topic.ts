import { toValue, type MaybeRefOrGetter } from "vue";
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
  options: UseTopicOptions<ItemNamed<Api, Name>> & RateOptions = {},
): TopicView<DataNamed<Api, Name>> {
  type Followed = Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>>;
  const find = (): Followed =>
    live.topic(toValue(name), toValue(params), { maxPerSecond: options.maxPerSecond });
  return useEntries(find, options);
}
