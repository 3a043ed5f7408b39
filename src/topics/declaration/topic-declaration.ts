import { LongwireError } from "../../base/index.ts";
import type { TopicEvent } from "../event.ts";
import type { Authority, PublishDraft } from "./authority.ts";
import type { Params } from "./params.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** How much of a topic's past is retained. */
export interface Retention {
  /** The most events (for a keyed topic: tombstones of removed keys) to keep. Default 10,000. */
  maxEvents: number;
  /** The most bytes of JSON to keep; applies to log topics. Default 16 MiB. */
  maxBytes: number;
  /** The longest time to keep them, in milliseconds. Default one hour. */
  maxAgeMs: number;
}

export const defaultRetention: Retention = {
  maxEvents: 10_000,
  maxBytes: 16 * 1024 * 1024,
  maxAgeMs: 3_600_000,
};

/** Data of this type that a client may have left incomplete. */
type Unchecked<Data> = Data extends object ? Partial<Data> : Data;

// A function that returns nothing is valid, too.
// oxlint-disable-next-line typescript/no-invalid-void-type
type Completed<Data> = Partial<Omit<PublishDraft<Data>, "remove">> | undefined | void;

/** The options that both kinds of topics have. */
interface TopicOptions<Data, Narrowing> extends Authority {
  /** Default: `defaultRetention`. */
  retention?: Partial<Retention>;
  /** Validates published data. Default: accepts any JSON. */
  data?: StandardSchema<unknown, Data>;
  /** Validates the params of subscriptions. Default: accepts any object. */
  params?: StandardSchema<unknown, Narrowing>;
  /**
   * Decides whether an event matches a subscriber's params. It must depend only on its arguments.
   * It narrows a subscription and does not protect data. Default: every event matches.
   */
  match?(params: NoInfer<Narrowing>, event: TopicEvent<NoInfer<Data>>): boolean;
  /** Set by the server: the pattern that this topic's name matches. */
  pattern?: string;
  /** Whether clients may publish. Default false: only the server's own code publishes. */
  clientPublish?: boolean;
  /**
   * Completes what a client publishes, for example with its author and the time, or refuses it.
   * Called after `authorize` and before the `data` schema. Events of the server's own code are not
   * passed to it.
   *
   * @param identity what `authenticate` returned; `undefined` if the server has none
   * @param draft its `data` is what the client sent, which may be anything
   * @returns the data and the key to publish instead; nothing to publish the client's
   * @throws LiveError to refuse it
   */
  onPublish?(
    identity: unknown,
    draft: PublishDraft<Unchecked<NoInfer<Data>>>,
  ): Completed<NoInfer<Data>> | Promise<Completed<NoInfer<Data>>>;
  /** Whether `NAME/$presence` lists who is subscribed. Default false. */
  presence?: boolean | PresenceOptions;
}

export interface PresenceOptions {
  /**
   * Returns what others see of a subscriber; `since` is added. Default: only `since`.
   *
   * @param identity what `authenticate` returned; `undefined` if the server has none
   */
  describe?(identity: unknown): Readonly<Record<string, unknown>>;
  /**
   * Validates what subscribers report about themselves with `presence(name).update`, for example
   * `{ status: "away" }`: an object of at most 4,096 characters of JSON. Its fields replace those of
   * the same name that `describe` returns, and `updated` lists their names. Default: none; updates
   * are refused.
   */
  data?: StandardSchema;
  /** How long a subscriber stays present after leaving, in milliseconds. Default 10,000. */
  graceMs?: number;
}

export interface LogTopicDeclaration<
  Name extends string = string,
  Data = unknown,
  Narrowing = unknown,
> extends TopicOptions<Data, Narrowing> {
  kind: "log";
  /** A topic's name, or a pattern: a part that begins with `:` matches any text. */
  name: Name;
}

export interface KeyedTopicDeclaration<
  Name extends string = string,
  Data = unknown,
  Narrowing = unknown,
> extends TopicOptions<Data, Narrowing> {
  kind: "keyed";
  /** A topic's name, or a pattern: a part that begins with `:` matches any text. */
  name: Name;
  /**
   * `"kept"`: a key stays until it is removed. `"connection"`: a key set by a client is removed
   * when the connection that last set it ends, or, if it was set over HTTP, after `leaseMs` without
   * being set again. Default `"kept"`.
   */
  keyLifetime?: "kept" | "connection";
  /**
   * The lease of keys set over HTTP in a topic with `keyLifetime: "connection"`, in milliseconds.
   * Default 30,000.
   */
  leaseMs?: number;
  /**
   * `"identity"`: clients set and remove only the key that is their identity's `id`; one that sends
   * no key gets it. Default `"client"`: clients choose any key.
   */
  keyFrom?: "client" | "identity";
  /** The most keys that the topic may hold; a publish beyond is refused. Default 100,000. */
  maxKeys?: number;
  /** The most bytes that all values may have; a publish beyond is refused. Default 256 MiB. */
  maxStateBytes?: number;
}

export type TopicDeclaration<Name extends string = string, Data = unknown, Narrowing = unknown> =
  | LogTopicDeclaration<Name, Data, Narrowing>
  | KeyedTopicDeclaration<Name, Data, Narrowing>;

type Options<Declaration> = Omit<Declaration, "kind" | "name">;

/** Declares a log topic, which keeps its recent events, or a pattern of log topics. */
export function logTopic<const Name extends string, Data = unknown, Narrowing = Params>(
  name: Name,
  options: Options<LogTopicDeclaration<Name, Data, Narrowing>> = {},
): LogTopicDeclaration<Name, NoInfer<Data>, NoInfer<Narrowing>> {
  return { kind: "log", name, ...options };
}

/**
 * Declares a keyed topic, which keeps the newest value of each key, or a pattern of keyed topics.
 */
export function keyedTopic<const Name extends string, Data = unknown, Narrowing = Params>(
  name: Name,
  options: Options<KeyedTopicDeclaration<Name, Data, Narrowing>> = {},
): KeyedTopicDeclaration<Name, NoInfer<Data>, NoInfer<Narrowing>> {
  return { kind: "keyed", name, ...options };
}

/**
 * Checks the numbers in a declaration.
 *
 * @throws LongwireError `invalid_limit` for anything but a number of 0 or more
 */
export function checkNumbers(declaration: TopicDeclaration): void {
  const { name, retention, presence } = declaration;
  const { leaseMs, maxKeys, maxStateBytes } = declaration as KeyedTopicDeclaration;
  const graceMs = typeof presence === "object" ? presence.graceMs : undefined;
  const given = { ...retention, leaseMs, maxKeys, maxStateBytes, graceMs };
  for (const [option, value] of Object.entries(given)) {
    // Infinity is valid: it means never, or all.
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    const message = `${option} of the topic ${name} is ${String(value)}; give a number of 0 or more, or leave it out.`;
    throw new LongwireError("invalid_limit", message);
  }
}
