import {
  type EventDraft,
  LiveError,
  livesWithConnection,
  type Receipt,
  type Topic,
  type TopicEntry,
} from "../../topics/index.ts";
import { DEFAULT_LEASE_MS } from "./limits.ts";
import { type Awaitable, onceAvailable } from "../../base/index.ts";
import { payerOf, type Caller } from "./sessions/caller.ts";
import type { KeyOwner } from "./keys/key-owners.ts";
import { permit } from "./access/permit.ts";
import { completed, withKey, withShown } from "./client-draft.ts";
import type { LiveCore } from "./sessions/session.ts";

/** Returns the topic of this name. @throws LiveError `unknown_topic` */
export function requireTopic(core: LiveCore, name: string): TopicEntry {
  const entry = core.catalog.find(name);
  if (entry !== undefined) return entry;
  throw unknownTopic(name);
}

export function unknownTopic(name: string): LiveError {
  const shown = JSON.stringify(name.slice(0, 100));
  return new LiveError("unknown_topic", `There is no topic ${shown}; check its name.`);
}

/**
 * Returns the topic of this name if clients publish to it at all.
 *
 * @throws LiveError `unknown_topic`, `forbidden`
 */
export function requirePublishable(core: LiveCore, name: string): TopicEntry {
  const entry = requireTopic(core, name);
  if (entry.declaration.clientPublish === true) return entry;
  const message = `${name} accepts events only from the server; clients cannot publish to it.`;
  throw new LiveError("forbidden", message);
}

/** An event that its publisher may publish, and its topic. */
export interface Publishing {
  readonly topic: Topic;
  readonly draft: EventDraft;
}

/**
 * Checks that a caller may publish an event, opens its topic, and completes the event. The events
 * of a connection are published in the order in which this is done.
 *
 * @throws LiveError `forbidden`, `unavailable`, and what `onPublish` throws, possibly as a rejection
 */
export function openToPublish(
  core: LiveCore,
  entry: TopicEntry,
  { draft: given, caller }: { draft: EventDraft; caller: Caller },
): Publishing | Promise<Publishing> {
  const draft = withKey(given, entry, caller);
  return onceAvailable(permitToPublish(core, entry, { draft, caller }), () =>
    onceAvailable(core.catalog.open(entry, payerOf(caller)), (topic) =>
      onceAvailable(completed(draft, entry, caller), (complete) => ({ topic, draft: complete })),
    ),
  );
}

/** @throws LiveError `forbidden`, possibly as a rejection */
function permitToPublish(
  core: LiveCore,
  { declaration, parameters: params, name: target }: TopicEntry,
  { draft, caller }: { draft: EventDraft; caller: Caller },
): Awaitable<void> {
  const authorities = [declaration, core.authority];
  // A draft for nobody would be made with every event.
  if (authorities.every((authority) => authority.authorize === undefined)) return;
  return withShown(draft, caller, (shown) =>
    permit(authorities, {
      caller,
      action: "publish",
      target,
      params,
      draft: shown,
    }),
  );
}

/**
 * Publishes an event from a client.
 *
 * @param owner the connection that owns the key; `undefined` for a plain request
 * @throws LiveError as a rejection
 */
export async function publish(
  core: LiveCore,
  { topic, draft, caller }: { topic: Topic; draft: EventDraft; caller: Caller },
  owner: KeyOwner | undefined,
): Promise<Receipt> {
  const { idempotencyKey } = draft;
  const startedAt = core.clock.now();
  const payer = payerOf(caller);
  const receipt = await topic.append({
    ...draft,
    ...leaseOf(topic, draft, owner && core.limits.serverLeaseMs),
    idempotencyKey: idempotencyKey && scoped(idempotencyKey, caller),
    payer,
  });
  if (receipt.duplicate) core.statistics.duplicates += 1;
  else core.statistics.published += 1;
  core.diagnostics.publish("publish", () => ({
    topic: topic.name,
    durationMs: core.clock.now() - startedAt,
    duplicate: receipt.duplicate,
  }));
  const { key } = draft;
  if (key === undefined || draft.removed === true) return receipt;
  if (owner !== undefined) core.owners.setBy(owner, { topic, key, offset: receipt.offset });
  else if (topic.newest(key)?.offset === receipt.offset) core.owners.release(topic, key);
  return receipt;
}

/** The lease lets the broker remove a connection's keys when this server has crashed. */
function leaseOf(
  { declaration }: Topic,
  { removed }: EventDraft,
  serverLeaseMs: number | undefined,
): { leaseMs?: number } {
  if (removed === true || !livesWithConnection(declaration)) return {};
  if (serverLeaseMs !== undefined) return { leaseMs: serverLeaseMs };
  const { leaseMs = DEFAULT_LEASE_MS } = declaration as { leaseMs?: number };
  return { leaseMs };
}

/**
 * Scoped to the identity, so that nobody can use up the keys of others or of the server's own code.
 */
function scoped(key: string, { identity }: Caller): string {
  return JSON.stringify([identity?.id ?? null, key]);
}
