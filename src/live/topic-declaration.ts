import type { TopicEvent } from "./topic-event.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** What a subscriber narrows a topic by: a JSON object. */
export type Params = Readonly<Record<string, unknown>>;

/** For how long a topic keeps what has passed. */
export interface Retention {
  /** How many events (of a keyed topic: removed keys) are kept. Default 10,000. */
  maxEvents: number;
  /** How many bytes of JSON are kept; counted for log topics. Default 16 MiB. */
  maxBytes: number;
  /** For how long they are kept, in milliseconds. Default one hour. */
  maxAgeMs: number;
}

export const defaultRetention: Retention = {
  maxEvents: 10_000,
  maxBytes: 16 * 1024 * 1024,
  maxAgeMs: 3_600_000,
};

interface TopicOptions {
  /** Default: the values of `defaultRetention`. */
  retention?: Partial<Retention>;
  /** Checks what is published. Default: any JSON. */
  data?: StandardSchema;
  /** Checks what subscribers narrow by. Default: any object. */
  params?: StandardSchema;
  /**
   * Says whether an event is for subscribers with these params. It must depend on nothing but its
   * arguments. It narrows and protects nothing. Default: every event is for everyone.
   */
  match?: (params: Params, event: TopicEvent) => boolean;
  /** Whether clients may publish. Default false: only the server's own code does. */
  clientPublish?: boolean;
}

export interface LogTopicDeclaration extends TopicOptions {
  kind: "log";
  name: string;
}

export interface KeyedTopicDeclaration extends TopicOptions {
  kind: "keyed";
  name: string;
  /**
   * `"kept"`: a key stays until it is removed. `"connection"`: a key that a client set is removed
   * when the connection that set it last has ended; set over HTTP, `leaseMs` after the last time.
   * Default `"kept"`.
   */
  keyLifetime?: "kept" | "connection";
  /** For keys set over HTTP in a topic with `keyLifetime: "connection"`. Default 30,000. */
  leaseMs?: number;
  /** How many keys the topic may hold; a publish of one more is refused. Default 100,000. */
  maxKeys?: number;
}

export type TopicDeclaration = LogTopicDeclaration | KeyedTopicDeclaration;

/** Declares a topic that keeps its recent events. */
export function logTopic(
  name: string,
  options: Omit<LogTopicDeclaration, "kind" | "name"> = {},
): LogTopicDeclaration {
  return { kind: "log", name, ...options };
}

/** Declares a topic that keeps the newest value of each key. */
export function keyedTopic(
  name: string,
  options: Omit<KeyedTopicDeclaration, "kind" | "name"> = {},
): KeyedTopicDeclaration {
  return { kind: "keyed", name, ...options };
}
