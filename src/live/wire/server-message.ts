import { LongwireError } from "../../base/index.ts";
import type { Offset } from "../../topics/index.ts";

/** A keyed topic's entry or event. */
export interface EntryMessage {
  key: string;
  offset: Offset;
  data?: unknown;
  removed?: boolean;
}

export interface SnapshotMessage {
  type: "snapshot";
  topic: string;
  epoch: string;
  offset: Offset;
  entries: EntryMessage[];
  complete: boolean;
  more: boolean;
}

export interface SubscribedMessage {
  type: "subscribed";
  id: number;
  topic: string;
  kind: "log" | "keyed";
  epoch: string;
  offset: Offset;
  /** Identifies the params of a narrowed keyed topic; to be sent back with `since`. */
  view?: string;
  resumed: boolean;
  /** The topic's newest offset. */
  latest?: Offset;
}

export interface GapMessage {
  type: "gap";
  topic: string;
  epoch: string;
  from: Offset;
  to: Offset;
  reason: "expired" | "slow" | "epoch";
}

/** A message about a topic. */
export type TopicMessage =
  | SubscribedMessage
  | SnapshotMessage
  | GapMessage
  | ({ type: "event"; topic: string } & EntryMessage)
  | { type: "position"; topic: string; epoch: string; offset: Offset }
  | { type: "unsubscribed"; topic: string; id?: number; code?: string; message?: string };

export type AnswerMessage =
  | { type: "published"; id: number; offset: Offset; duplicate: boolean }
  | { type: "result"; id: number; data: unknown }
  | {
      type: "history";
      id: number;
      topic: string;
      epoch: string;
      events: { offset: Offset; data: unknown }[];
      /** Whether older events are kept. */
      more: boolean;
    }
  | { type: "offered"; id: number; methods: string[] };

/** A message about the connection. */
export type LinkMessage =
  | {
      type: "welcome";
      heartbeat: number;
      maxMessage: number;
      expiresIn?: number;
      features?: readonly string[];
    }
  | {
      type: "request";
      id: number;
      method: string;
      params?: unknown;
      deadline: number;
      /** The key of a command, which is carried out once, however often it is sent. */
      command?: string;
    }
  | { type: "refreshed"; expiresIn?: number }
  | { type: "error"; id?: number; code: string; message: string }
  | {
      type: "disconnect";
      code: number;
      message: string;
      retry?: boolean;
      retryAfter?: number;
    };

/** The message with this type. */
export type MessageOf<Type extends ServerMessage["type"]> = Extract<ServerMessage, { type: Type }>;

export type ServerMessage = TopicMessage | AnswerMessage | LinkMessage;

/** Required fields; `epoch` is text, the others are numbers. */
const position = ["offset", "epoch"];
const needed: ReadonlyMap<string, readonly string[]> = new Map([
  ["welcome", ["heartbeat", "maxMessage"]],
  ["subscribed", position],
  ["snapshot", position],
  ["position", position],
  ["gap", ["from", "to", "epoch"]],
  ["event", ["offset"]],
  ["published", ["offset"]],
  ["request", ["deadline"]],
]);

/**
 * Decodes a message from a server. Its type may be unknown to this client.
 *
 * @throws LongwireError `malformed`, or what `JSON.parse` throws
 */
export function decodeServerMessage(text: unknown): ServerMessage {
  if (typeof text !== "string") throw malformed("message");
  const message = JSON.parse(text) as ServerMessage & Record<string, unknown>;
  for (const name of needed.get(message.type) ?? []) {
    if (typeof message[name] !== (name === "epoch" ? "string" : "number")) throw malformed(name);
  }
  return message;
}

export function malformed(what: string): LongwireError {
  return new LongwireError("malformed", `The server sent a malformed ${what}.`);
}
