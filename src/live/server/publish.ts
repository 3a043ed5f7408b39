import {
  type EventDraft,
  LiveError,
  livesWithConnection,
  type Receipt,
  type Topic,
  type TopicEntry,
} from "../../topics/index.ts";
import { DEFAULT_LEASE_MS } from "./limits.ts";
import { onceAvailable } from "../../base/index.ts";
import { payerOf, type Caller } from "./sessions/caller.ts";
import type { KeyOwner } from "./keys/key-owners.ts";
import { permit } from "./access/permit.ts";
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
 * Checks that a caller may publish to a topic.
 *
 * @throws LiveError `unknown_topic`, `forbidden`, possibly as a rejection
 */
export function permitToPublish(
  core: LiveCore,
  name: string,
  caller: Caller,
): TopicEntry | Promise<TopicEntry> {
  const entry = requireTopic(core, name);
  const { declaration, parameters } = entry;
  if (declaration.clientPublish !== true) {
    const message = `${name} accepts events only from the server; clients cannot publish to it.`;
    throw new LiveError("forbidden", message);
  }
  const asked = { caller, action: "publish", target: name, params: parameters } as const;
  return onceAvailable(permit([declaration, core.authority], asked), () => entry);
}

/**
 * Opens a topic for a caller who wants to publish to it.
 *
 * @throws LiveError `unknown_topic`, `forbidden`, `unavailable`, possibly as a rejection
 */
export function openToPublish(
  core: LiveCore,
  name: string,
  caller: Caller,
): Topic | Promise<Topic> {
  return onceAvailable(permitToPublish(core, name, caller), (entry) =>
    core.catalog.open(entry, payerOf(caller)),
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
