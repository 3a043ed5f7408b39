import { toValue, type MaybeRefOrGetter } from "vue";
import type { KeyedItem, Live, LiveApi, Presence, TopicName } from "../live/client/index.ts";
import { updatePresence } from "../live/client/presence/index.ts";
import { useEntries, type TopicView, type UseTopicOptions } from "./use-entries.ts";

/** The subscribers of a topic. */
export interface PresenceView extends TopicView<Presence> {
  /**
   * Replaces the fields that this client reports about itself, such as `{ status: "away" }`.
   *
   * @throws LongwireError as a rejection, like `updatePresence` of `longwire/live/client/presence`
   */
  readonly update: (data: Readonly<Record<string, unknown>>) => Promise<void>;
}

/**
 * Shows who is subscribed to a topic that is declared with presence, while the component or effect
 * scope that uses it exists. `entries` has the subscribers.
 *
 * It does not subscribe to the topic itself: a client is listed only where it uses the topic, too.
 * A page rendered on a server shows nobody.
 *
 * @param name the topic's name; if it is a ref or a getter, a new name switches to another topic
 */
export function usePresence<Api extends LiveApi>(
  live: Live<Api>,
  name: MaybeRefOrGetter<TopicName<Api>>,
  options: UseTopicOptions<KeyedItem<Presence>> = {},
): PresenceView {
  const view = useEntries(() => live.presence(toValue(name)), options);
  return { ...view, update: (data) => updatePresence(live, toValue(name), data) };
}
