import { derived, get } from "svelte/store";
import type { ViewOptions } from "../bindings/index.ts";
import type { Live, LiveApi, Presence, TopicName } from "../live/client/index.ts";
import { updatePresence } from "../live/client/presence/index.ts";
import { storeOf, type MaybeStore } from "./maybe-store.ts";
import type { Readable } from "./readable.ts";
import { entriesStore, type TopicView } from "./topic-store.ts";

/** The subscribers of a topic. */
export interface PresenceStore extends Readable<TopicView<Presence>> {
  /**
   * Replaces the fields that this client reports about itself, such as `{ status: "away" }`.
   *
   * @throws LongwireError as a rejection, like `updatePresence` of `longwire/live/client/presence`
   */
  readonly update: (data: Readonly<Record<string, unknown>>) => Promise<void>;
}

/**
 * Returns who is subscribed to a topic that is declared with presence, as a store. `entries` has the
 * subscribers.
 *
 * It does not subscribe to the topic itself: a client is listed only where it uses the topic, too.
 * A page rendered on a server shows nobody.
 *
 * @param name the topic's name; if it is a store, a new name switches to another topic
 */
export function presenceStore<Api extends LiveApi>(
  live: Live<Api>,
  name: MaybeStore<TopicName<Api>>,
  options: ViewOptions = {},
): PresenceStore {
  const names = storeOf(name);
  const found = derived(names, (name) => live.presence(name));
  return {
    ...entriesStore(found, options),
    update: (data) => updatePresence(live, get(names), data),
  };
}
