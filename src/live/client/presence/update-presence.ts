import type { LiveApi, TopicName } from "../../live-api.ts";
import type { Client } from "../connect.ts";
import type { Live } from "../live.ts";
import { PresenceUpdates } from "./presence-updates.ts";

/**
 * Replaces the fields that this client's identity reports about itself in the presence of a topic,
 * for example `{ status: "away" }`. Others see them instead of those of the same name that
 * `presence.describe` returns; `updated` lists their names. The client sends them again with each
 * later subscription to the topic, so they hold whenever it is present.
 *
 * @param live what `connect` returned
 * @param name the topic whose presence is updated; the client is subscribed to it
 * @throws LongwireError as a rejection, like `publish`: `forbidden` unless the topic has
 *   `presence.data`, `invalid_data`, `bad_request` without a subscription to the topic,
 *   `unsupported` by an older server
 */
export function updatePresence<Api extends LiveApi>(
  live: Live<Api>,
  name: TopicName<Api>,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const client = live as unknown as Client;
  client.updates ??= new PresenceUpdates(client);
  return client.updates.send(name, data);
}
