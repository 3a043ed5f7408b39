import type { Offset, Position } from "../position.ts";
import type { LiveErrorCode } from "../live-error.ts";
import type { Params } from "../topic-declaration.ts";
import { receivedJson, type EventDraft } from "../topic-event.ts";

/** A request's name for itself, chosen by the client and repeated in the answer. */
export type RequestId = string | number;

/** What a client may say at Level 1. */
export type ClientMessage =
  | { type: "hello"; token: string | undefined }
  | {
      type: "subscribe";
      id: RequestId;
      topic: string;
      params: Params;
      since: Position | undefined;
    }
  | { type: "unsubscribe"; id: RequestId; topic: string }
  | { type: "publish"; id: RequestId; topic: string; draft: EventDraft }
  | {
      type: "call";
      id: RequestId;
      method: string;
      params: unknown;
      idempotencyKey: string | undefined;
    }
  | { type: "refresh"; token: string | undefined }
  | { type: "ping"; id: RequestId | undefined };

export type Decoded =
  | { kind: "message"; message: ClientMessage }
  /** A request that can be answered with `error`. */
  | { kind: "refused"; id: RequestId | undefined; code: LiveErrorCode; message: string }
  /** Not a message at all; the connection is closed with 4400. */
  | { kind: "malformed"; message: string };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a message; whatever the text is, the outcome is a value. */
export function decodeClientMessage(text: string): Decoded {
  const fields = parseObject(text);
  if (fields === undefined) {
    return { kind: "malformed", message: "The message is not a JSON object; send one." };
  }
  const { type } = fields;
  if (typeof type !== "string") return refuse(fields, "bad_request", "type must be a string.");
  const decode = Object.hasOwn(decoders, type)
    ? decoders[type as keyof typeof decoders]
    : undefined;
  if (decode !== undefined) return decode(fields);
  return refuse(fields, "unknown_type", `There is no type ${JSON.stringify(type.slice(0, 50))}.`);
}

/** Returns the JSON object that `text` is, or `undefined` for anything else. */
export function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const decoders = {
  hello: (fields: Fields): Decoded => decodeToken("hello", fields),
  refresh: (fields: Fields): Decoded =>
    fields["token"] === undefined
      ? refuse(fields, "bad_request", "refresh needs a token.")
      : decodeToken("refresh", fields),
  ping: (fields: Fields): Decoded => ({
    kind: "message",
    message: { type: "ping", id: idOf(fields) },
  }),
  subscribe: decodeSubscribe,
  unsubscribe: decodeUnsubscribe,
  publish: decodePublish,
  call: decodeCall,
};

function decodeSubscribe(fields: Fields): Decoded {
  const { topic, params = {}, since } = fields;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (typeof topic !== "string") return refuse(fields, "bad_request", NEEDS_TOPIC);
  if (!isObject(params)) return refuse(fields, "invalid_params", "params must be an object.");
  const position = since === undefined ? undefined : positionOf(since);
  if (position === null) {
    return refuse(fields, "bad_request", "since must be {epoch: string, offset: integer}.");
  }
  return { kind: "message", message: { type: "subscribe", id, topic, params, since: position } };
}

function decodeUnsubscribe(fields: Fields): Decoded {
  const { topic } = fields;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (typeof topic !== "string") return refuse(fields, "bad_request", NEEDS_TOPIC);
  return { kind: "message", message: { type: "unsubscribe", id, topic } };
}

function decodePublish(fields: Fields): Decoded {
  const { topic } = fields;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (typeof topic !== "string") return refuse(fields, "bad_request", NEEDS_TOPIC);
  const draft = draftOf(fields);
  if (typeof draft === "string") return refuse(fields, "bad_request", draft);
  return { kind: "message", message: { type: "publish", id, topic, draft } };
}

function decodeCall(fields: Fields): Decoded {
  const { method, params, idempotencyKey } = fields;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (typeof method !== "string") return refuse(fields, "bad_request", "method must be a string.");
  if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) {
    return refuse(fields, "bad_request", NEEDS_IDEMPOTENCY_KEY);
  }
  return { kind: "message", message: { type: "call", id, method, params, idempotencyKey } };
}

function decodeToken(type: "hello" | "refresh", fields: Fields): Decoded {
  const { token } = fields;
  if (token === undefined || typeof token === "string") {
    return { kind: "message", message: { type, token } };
  }
  return refuse(fields, "bad_request", "token must be a string.");
}

/** Reads what is to be published; a string says what is wrong with it. */
export function draftOf(fields: Fields): EventDraft | string {
  const { key, data, remove, idempotencyKey } = fields;
  if (key !== undefined && typeof key !== "string") return "key must be a string.";
  if (remove !== undefined && typeof remove !== "boolean") return "remove must be true or absent.";
  if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) {
    return NEEDS_IDEMPOTENCY_KEY;
  }
  const removed = remove === true;
  if (removed === Object.hasOwn(fields, "data")) return "Give either data or remove: true.";
  // As text, since what waits for a broker may wait long, and the value costs up to 21 times as much.
  return { key, removed, idempotencyKey, ...(!removed && { json: receivedJson(data) }) };
}

function isIdempotencyKey(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 255;
}

function positionOf(since: unknown): Position | null {
  if (!isObject(since)) return null;
  const { epoch, offset } = since;
  if (typeof epoch !== "string" || !isOffset(offset)) return null;
  return { epoch, offset };
}

function isOffset(value: unknown): value is Offset {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function idOf({ id }: Fields): RequestId | undefined {
  if (typeof id === "string" && id.length <= 255) return id;
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}

function refuse(fields: Fields, code: LiveErrorCode, message: string): Decoded {
  return { kind: "refused", id: idOf(fields), code, message };
}

const NEEDS_ID = "id must be a string of at most 255 characters or an integer.";
const NEEDS_IDEMPOTENCY_KEY = "idempotencyKey must be a string of 1 to 255 characters.";
const NEEDS_TOPIC = "topic must be a string.";
