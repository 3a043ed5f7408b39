import { LongwireError } from "../../base/index.ts";
import type { TopicEvent } from "../event.ts";
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

/** What a topic's options, whatever its kind, say. */
interface TopicOptions<Data, Narrowing> extends Authority {
  /** Default: the values of `defaultRetention`. */
  retention?: Partial<Retention>;
  /** Checks what is published. Default: any JSON. */
  data?: StandardSchema<unknown, Data>;
  /** Checks what subscribers narrow by. Default: any object. */
  params?: StandardSchema<unknown, Narrowing>;
  /**
   * Says whether an event is for subscribers with these params. It must depend on nothing but its
   * arguments. It narrows and protects nothing. Default: every event is for everyone.
   */
  match?(params: NoInfer<Narrowing>, event: TopicEvent<NoInfer<Data>>): boolean;
  /** Set by the server: the pattern that this topic's name fits. */
  pattern?: string;
  /** Whether clients may publish. Default false: only the server's own code does. */
  clientPublish?: boolean;
  /** Whether `NAME/$presence` tells who is subscribed. Default false. */
  presence?: boolean | PresenceOptions;
}

/** Whoever can decide what clients may do. */
export interface Authority<Who = unknown> {
  /**
   * Decides whether a client may do what it asks for. What it throws is reported, and the request
   * is refused with `internal`.
   *
   * @param identity what `authenticate` returned; `undefined` where the server has none
   * @param topic the topic's name; of a call the method's
   * @param params what the name of a pattern's topic holds (`site` of `devices/:site`), and of a
   *   subscription its params beside them; of a call the call's
   */
  // A method, so that a declaration can narrow the type of its identities.
  // oxlint-disable-next-line typescript/method-signature-style
  authorize?(
    identity: Who,
    action: LiveAction,
    topic: string,
    params: Params,
  ): boolean | Promise<boolean>;
}

/** What a client asks leave for. Presence is read by those who may subscribe. */
export type LiveAction = "subscribe" | "publish" | "call";

export interface PresenceOptions {
  /**
   * What others learn of a subscriber; `since` is added. Default: nothing more.
   *
   * @param identity what `authenticate` returned; `undefined` where the server has none
   */
  describe?(identity: unknown): Readonly<Record<string, unknown>>;
  /** For how long someone who left stays present, in milliseconds. Default 10,000. */
  graceMs?: number;
}

export interface LogTopicDeclaration<
  Name extends string = string,
  Data = unknown,
  Narrowing = unknown,
> extends TopicOptions<Data, Narrowing> {
  kind: "log";
  /** A topic's name, or a pattern of names: a part that begins with `:` stands for any text. */
  name: Name;
}

export interface KeyedTopicDeclaration<
  Name extends string = string,
  Data = unknown,
  Narrowing = unknown,
> extends TopicOptions<Data, Narrowing> {
  kind: "keyed";
  /** A topic's name, or a pattern of names: a part that begins with `:` stands for any text. */
  name: Name;
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
  /** How many bytes its values may have; a publish beyond is refused. Default 256 MiB. */
  maxStateBytes?: number;
}

export type TopicDeclaration<Name extends string = string, Data = unknown, Narrowing = unknown> =
  | LogTopicDeclaration<Name, Data, Narrowing>
  | KeyedTopicDeclaration<Name, Data, Narrowing>;

type Options<Declaration> = Omit<Declaration, "kind" | "name">;

/** Declares a topic that keeps its recent events, or a pattern of such topics. */
export function logTopic<const Name extends string, Data = unknown, Narrowing = Params>(
  name: Name,
  options: Options<LogTopicDeclaration<Name, Data, Narrowing>> = {},
): LogTopicDeclaration<Name, NoInfer<Data>, NoInfer<Narrowing>> {
  return { kind: "log", name, ...options };
}

/** Declares a topic that keeps the newest value of each key, or a pattern of such topics. */
export function keyedTopic<const Name extends string, Data = unknown, Narrowing = Params>(
  name: Name,
  options: Options<KeyedTopicDeclaration<Name, Data, Narrowing>> = {},
): KeyedTopicDeclaration<Name, NoInfer<Data>, NoInfer<Narrowing>> {
  return { kind: "keyed", name, ...options };
}

/**
 * Checks what a declaration counts and measures with.
 *
 * @throws LongwireError `invalid_limit` for what is no number from 0 on
 */
export function checkNumbers(declaration: TopicDeclaration): void {
  const { name, retention, presence } = declaration;
  const { leaseMs, maxKeys, maxStateBytes } = declaration as KeyedTopicDeclaration;
  const graceMs = typeof presence === "object" ? presence.graceMs : undefined;
  const given = { ...retention, leaseMs, maxKeys, maxStateBytes, graceMs };
  for (const [option, value] of Object.entries(given)) {
    // Infinity is a way to say: never, or all.
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    const message = `${option} of the topic ${name} is ${String(value)}; give a number from 0 on, or leave it out.`;
    throw new LongwireError("invalid_limit", message);
  }
}
