import { useCallback, useMemo } from "react";
import type { KeyedItem, Live, LiveApi, Presence, TopicName } from "../live/client/index.ts";
import { updatePresence } from "../live/client/presence/index.ts";
import { useEntries, type TopicView, type UseTopicOptions } from "./use-entries.ts";

/** The subscribers of a topic at one moment; each change creates a new object. */
export interface PresenceView extends TopicView<Presence> {
  /**
   * Replaces the fields that this client reports about itself, such as `{ status: "away" }`. The
   * same function as long as the name is the same.
   *
   * @throws LongwireError as a rejection, like `updatePresence` of `longwire/live/client/presence`
   */
  readonly update: (data: Readonly<Record<string, unknown>>) => Promise<void>;
}

/**
 * Shows who is subscribed to a topic that is declared with presence, while the component is mounted.
 * `entries` has the subscribers.
 *
 * It does not subscribe to the topic itself: a client is listed only where it uses the topic, too.
 * A page rendered on a server shows nobody.
 */
export function usePresence<Api extends LiveApi>(
  live: Live<Api>,
  name: TopicName<Api>,
  options: UseTopicOptions<KeyedItem<Presence>> = {},
): PresenceView {
  const view = useEntries(live.presence(name), options);
  const update = useCallback<PresenceView["update"]>(
    (data) => updatePresence(live, name, data),
    [live, name],
  );
  return useMemo(() => {
    const { status, error, entries, isPrevious } = view;
    return { status, error, entries, isPrevious, update };
  }, [view, update]);
}
