import { LongwireError, shown } from "../base/index.ts";
import {
  type Authority,
  keyedTopic,
  type KeyedTopicDeclaration,
  logTopic,
  type LogTopicDeclaration,
  matchFields,
  type Params,
} from "../topics/index.ts";

/** A connection, as `$connections` shows it; its name is the key. */
export interface ConnectionInfo {
  /** The `id` of its identity; absent if the server has no `authenticate`. */
  readonly identity?: string;
  /** The name of the server that it is connected to. */
  readonly node: string;
  /** That server's key in `$nodes`, new with each start. */
  readonly nodeKey: string;
  /** When it was accepted, in ms since the Unix epoch. */
  readonly since: number;
  /** The client's address, if it is known. */
  readonly address?: string;
  /** The level of the protocol; `http` is a stream of server-sent events. */
  readonly level: 0 | 1 | "http";
  /** The number of topics that it is subscribed to. */
  readonly subscriptions: number;
  /** About how many bytes it has not read yet. */
  readonly unreadBytes: number;
}

/** A server, as `$nodes` shows it. */
export interface NodeInfo {
  readonly name: string;
  /** When it was started, in ms since the Unix epoch. */
  readonly since: number;
  /** The number of its connections and streams. */
  readonly connections: number;
  /** How late its event loop was at the last probe, in milliseconds. */
  readonly lagMs: number;
}

/** The readers of a topic on one server, as `$topics` shows them. */
export interface TopicInfo {
  readonly topic: string;
  /** The server's key in `$nodes`. */
  readonly nodeKey: string;
  /** The number of subscriptions. */
  readonly readers: number;
}

/** An event of `$lifecycle`. */
export type LifecycleEvent = { readonly id: string } & (
  | {
      readonly type: "came" | "went";
      readonly connection: string;
      readonly identity?: string;
      /** The name of the server that it was connected to. */
      readonly node: string;
      /** The close code, if the server closed it. */
      readonly code?: number;
      /** Whether it went with its server, which was killed or could not be reached. */
      readonly isLost?: true;
    }
  | { readonly type: "first-reader" | "last-reader"; readonly topic: string }
);

/** A command to a client that may be away, as `$commands` shows it. */
export interface CommandInfo {
  /** The `id` of the identity that it is for. */
  readonly identity: string;
  readonly method: string;
  readonly params?: unknown;
  /**
   * - `pending`: the client has not been told
   * - `delivered`: it was sent to the client, which has not answered
   * - `done`, `failed`: it was carried out, and this is the client's answer
   * - `expired`, `withdrawn`: it was not carried out, and never will be
   * - `unconfirmed`: it was sent to the client, which ended without an answer, or did not return
   *   until it expired; it may or may not have been carried out
   */
  readonly state:
    | "pending"
    | "delivered"
    | "done"
    | "failed"
    | "expired"
    | "withdrawn"
    | "unconfirmed";
  /** When it was given, in ms since the Unix epoch. */
  readonly givenAt: number;
  /** When it expires if the client has not returned, in ms since the Unix epoch. */
  readonly expiresAt: number;
  /** The run of the client that it was delivered to. */
  readonly run?: string;
  /** The connection that it was delivered to last. */
  readonly connection?: string;
  /** The client's answer, if it is `done`. */
  readonly result?: unknown;
  /** The client's error, if it is `failed`. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** The names of the topics that the server itself writes. */
export const CONNECTIONS = "$connections";
export const NODES = "$nodes";
export const TOPICS = "$topics";
export const LIFECYCLE = "$lifecycle";
export const COMMANDS = "$commands";

/** The most commands in `$commands`, including those that were over within the last hour. */
const MAX_COMMANDS = 1_000_000;

/** How long it is remembered who has left. A reader that was away for longer gets everything. */
const RETENTION = { maxAgeMs: 60_000 };

/**
 * Declares `$connections`, which shows all connections of the cluster. Its readers see everybody's
 * identity and address, so it has an `authorize` of its own.
 *
 * @throws LongwireError `invalid_topic` without `authorize`
 */
export function connectionsTopic({
  authorize,
}: Required<Authority>): KeyedTopicDeclaration<typeof CONNECTIONS, ConnectionInfo, Params> {
  requireGuard(authorize, "connectionsTopic");
  const options = { maxKeys: Infinity, maxStateBytes: Infinity, retention: RETENTION };
  const declared = { ...options, keyLifetime: "connection", authorize } as const;
  return keyedTopic<typeof CONNECTIONS, ConnectionInfo>(CONNECTIONS, declared);
}

/**
 * Declares `$nodes`, which shows the servers of the cluster.
 *
 * @throws LongwireError `invalid_topic` without `authorize`
 */
export function nodesTopic({
  authorize,
}: Required<Authority>): KeyedTopicDeclaration<typeof NODES, NodeInfo, Params> {
  requireGuard(authorize, "nodesTopic");
  const declared = { retention: RETENTION, keyLifetime: "connection", authorize } as const;
  return keyedTopic<typeof NODES, NodeInfo>(NODES, declared);
}

/**
 * Declares `$topics`, which shows how many subscriptions each topic has on each server. The param
 * `topic` narrows it to one topic.
 *
 * @throws LongwireError `invalid_topic` without `authorize`
 */
export function topicsTopic({
  authorize,
}: Required<Authority>): KeyedTopicDeclaration<typeof TOPICS, TopicInfo, Params> {
  requireGuard(authorize, "topicsTopic");
  const options = { maxKeys: Infinity, maxStateBytes: Infinity, retention: RETENTION };
  const declared = { ...options, match: matchFields, keyLifetime: "connection" } as const;
  return keyedTopic<typeof TOPICS, TopicInfo>(TOPICS, { ...declared, authorize });
}

/**
 * Declares `$lifecycle`, the log of connections that came and went, if `$connections` is declared as
 * well, and of topics that got their first reader or lost their last one, if `$topics` is. Each event
 * is there once in the cluster, and after the events that it depends on.
 *
 * @throws LongwireError `invalid_topic` without `authorize`
 */
export function lifecycleTopic({
  authorize,
}: Required<Authority>): LogTopicDeclaration<typeof LIFECYCLE, LifecycleEvent, Params> {
  requireGuard(authorize, "lifecycleTopic");
  return logTopic<typeof LIFECYCLE, LifecycleEvent>(LIFECYCLE, { match: matchFields, authorize });
}

/**
 * Declares `$commands`, the mailbox of clients that may be away, for `LiveServer.identity(id).command`.
 * A subscription with the param `identity` shows the commands to one client; any member of
 * `CommandInfo` narrows in the same way. `authorize` sees the params, so that it can allow a client
 * its own commands only.
 *
 * @throws LongwireError `invalid_topic` without `authorize`
 */
export function commandsTopic({
  authorize,
}: Required<Authority>): KeyedTopicDeclaration<typeof COMMANDS, CommandInfo, Params> {
  requireGuard(authorize, "commandsTopic");
  const declared = { match: matchFields, maxKeys: MAX_COMMANDS, retention: RETENTION, authorize };
  return keyedTopic<typeof COMMANDS, CommandInfo>(COMMANDS, declared);
}

function requireGuard(authorize: unknown, name: string): void {
  if (typeof authorize === "function") return;
  const form = `${name}({ authorize: ({ identity }) => identity.isAdmin })`;
  const message = `authorize of ${name} is ${shown(authorize)}; decide who may see it: ${form}.`;
  throw new LongwireError("invalid_topic", message);
}
