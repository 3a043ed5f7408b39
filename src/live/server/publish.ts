import { LiveError } from "../live-error.ts";
import type { Receipt } from "../broker.ts";
import type { Topic } from "../topic.ts";
import type { EventDraft } from "../topic-event.ts";
import type { KeyOwner } from "./key-owners.ts";
import type { Realm } from "./session.ts";

/** Returns the topic, or refuses. @throws LiveError `unknown_topic` */
export function requireTopic(realm: Realm, name: string): Topic {
  const topic = realm.topics.get(name);
  if (topic !== undefined) return topic;
  const shown = JSON.stringify(name.slice(0, 100));
  throw new LiveError("unknown_topic", `There is no topic ${shown}; check its name.`);
}

/**
 * Publishes what a client sent.
 *
 * @param owner the connection that a key shall live with; none for a plain request
 * @throws LiveError as a rejection
 */
export async function publish(
  realm: Realm,
  request: { topic: string; draft: EventDraft },
  owner: KeyOwner | undefined,
): Promise<Receipt> {
  const topic = requireTopic(realm, request.topic);
  if (topic.declaration.clientPublish !== true) {
    const message = `${topic.name} takes events from the server only; clients can't publish to it.`;
    throw new LiveError("forbidden", message);
  }
  const { draft } = request;
  const receipt = await topic.append(draft);
  const { key } = draft;
  if (key === undefined || draft.removed === true) return receipt;
  const set = { topic, key, offset: receipt.offset };
  if (owner === undefined) realm.owners.lease(set);
  else realm.owners.setBy(owner, set);
  return receipt;
}
