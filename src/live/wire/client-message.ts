import {
  type EventDraft,
  type JsonPart,
  type LiveErrorCode,
  lossy,
  MAX_DEPTH,
  MAX_PARAMS_LENGTH,
  type Offset,
  type Params,
  type Position,
  readObject,
  type StartingPoint,
  type ToldPosition,
} from "../../topics/index.ts";
import { MAX_OFFERS, MAX_RATE, MIN_CLIENT_MESSAGE_BYTES } from "../server/limits.ts";

/** A request id, chosen by the client and repeated in the answer. */
export type RequestId = string | number;

/** A message from a Level 1 client. */
export type ClientMessage =
  | { type: "hello"; token: string | undefined; maxMessage: number | undefined }
  | {
      type: "subscribe";
      id: RequestId;
      topic: string;
      params: Params;
      since: ToldPosition | undefined;
      /** Where to start if there is no `since`, or if it cannot be resumed from. */
      from: StartingPoint | undefined;
      /** How often a reader of a keyed topic is sent what has changed. */
      maxPerSecond: number | undefined;
    }
  | {
      type: "history";
      id: RequestId;
      topic: string;
      params: Params;
      /** Default: after the newest event. */
      before: Position | undefined;
      /** Default: as many as fit. */
      last: number | undefined;
    }
  | { type: "unsubscribe"; id: RequestId; topic: string }
  | { type: "publish"; id: RequestId; topic: string; draft: EventDraft }
  | {
      type: "call";
      id: RequestId;
      method: string;
      /** Not parsed yet, because parsing may cost far more than the message did. */
      params: JsonPart | undefined;
      idempotencyKey: string | undefined;
    }
  | {
      type: "offers";
      id: RequestId;
      methods: readonly string[];
      /** The run of the client, which remembers the commands that it has begun. */
      run: string | undefined;
    }
  | {
      type: "response";
      id: RequestId;
      /** Not parsed yet. */
      data: JsonPart | undefined;
      error: { code: string; message: string } | undefined;
    }
  | { type: "refresh"; token: string }
  | { type: "ping"; id: RequestId | undefined };

export type Decoded =
  | { kind: "message"; message: ClientMessage }
  /** A request that can be answered with `error`. */
  | { kind: "refused"; id: RequestId | undefined; code: LiveErrorCode; message: string }
  /** Not a protocol message; the connection is closed with 4400. */
  | { kind: "malformed"; message: string };

/** A message's members: parsed if they are short or plain, otherwise not. */
type Fields = Readonly<Record<string, unknown>>;

/** Members that belong to the application and are passed on unparsed. */
const PAYLOADS: ReadonlySet<string> = new Set(["data", "params"]);

const NAMES: ReadonlySet<string> = new Set(
  [
    "type",
    "id",
    "topic",
    "method",
    "key",
    "remove",
    "idempotencyKey",
    "since",
    "view",
    "from",
    "before",
    "last",
    "maxPerSecond",
    "token",
    "maxMessage",
    "methods",
    "run",
    "error",
  ].concat(...PAYLOADS),
);

/** Longer arrays and objects are not parsed where a plain value or a position is expected. */
const MAX_COMPOSITE_LENGTH = 2_048;

/** Decodes a message. Never throws, whatever the text is. */
export function decodeClientMessage(text: string): Decoded {
  const fields = fieldsOf(text);
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

/** Reads the members of a message or request body; `undefined` if it is not a JSON object. */
export function fieldsOf(text: string): Fields | undefined {
  const members = readObject(text, NAMES);
  if (members === undefined) return undefined;
  const fields: Record<string, unknown> = {};
  for (const [name, part] of members) {
    fields[name] = PAYLOADS.has(name) || isTooLong(part) ? part : part.value;
  }
  return fields;
}

function tooDeep(name: string): string {
  return `${name} is nested deeper than ${MAX_DEPTH} levels, the limit; flatten it.`;
}

function isTooLong(part: JsonPart): boolean {
  return part.isComposite && part.length > MAX_COMPOSITE_LENGTH;
}

/**
 * Parses the params of a subscription.
 *
 * @returns the params, or a string that says what is wrong with them
 */
export function paramsOf(part: JsonPart): Params | string {
  if (!part.isObject) return "params must be an object.";
  if (part.depth > MAX_DEPTH) return tooDeep("params");
  const { lossyNumber } = part;
  if (lossyNumber !== undefined) return lossy("params", lossyNumber);
  if (part.length <= MAX_PARAMS_LENGTH) return part.value as Params;
  return `params have ${part.length} characters; the limit is ${MAX_PARAMS_LENGTH}.`;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const decoders = {
  hello: decodeHello,
  refresh: decodeRefresh,
  ping: (fields: Fields): Decoded => ({
    kind: "message",
    message: { type: "ping", id: idOf(fields) },
  }),
  subscribe: decodeSubscribe,
  history: decodeHistory,
  unsubscribe: decodeUnsubscribe,
  publish: decodePublish,
  call: decodeCall,
  offers: decodeOffers,
  response: decodeResponse,
};

/** The topic that a request reads, and how it is narrowed; or the request's refusal. */
function targetOf(
  fields: Fields,
): { id: RequestId; topic: string; params: Params } | Extract<Decoded, { kind: "refused" }> {
  const { topic } = fields;
  const part = fields["params"] as JsonPart | undefined;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (typeof topic !== "string") return refuse(fields, "bad_request", NEEDS_TOPIC);
  const params = part === undefined ? {} : paramsOf(part);
  if (typeof params === "string") return refuse(fields, "invalid_params", params);
  return { id, topic, params };
}

function decodeSubscribe(fields: Fields): Decoded {
  const { since, view, maxPerSecond } = fields;
  const target = targetOf(fields);
  if ("kind" in target) return target;
  const position = since === undefined ? undefined : positionOf(since, view);
  if (position === null) {
    return refuse(fields, "bad_request", "since must be {epoch: string, offset: integer}.");
  }
  const from = fields["from"] === undefined ? undefined : startingPointOf(fields["from"]);
  if (from === null) return refuse(fields, "bad_request", NEEDS_STARTING_POINT);
  if (maxPerSecond !== undefined && !isRate(maxPerSecond)) {
    const range = `a number above 0, ${MAX_RATE} at most`;
    return refuse(fields, "bad_request", `maxPerSecond must be ${range}.`);
  }
  const about = { since: position, from, maxPerSecond };
  return { kind: "message", message: { type: "subscribe", ...target, ...about } };
}

function decodeHistory(fields: Fields): Decoded {
  const { before, last } = fields;
  const target = targetOf(fields);
  if ("kind" in target) return target;
  const position = before === undefined ? undefined : positionOf(before, undefined);
  if (position === null) {
    return refuse(fields, "bad_request", "before must be {epoch: string, offset: integer}.");
  }
  if (last !== undefined && !isCount(last)) {
    return refuse(fields, "bad_request", "last must be an integer of 1 or more.");
  }
  return { kind: "message", message: { type: "history", ...target, before: position, last } };
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
  const { method, idempotencyKey } = fields;
  const params = fields["params"] as JsonPart | undefined;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (params !== undefined && params.depth > MAX_DEPTH)
    return refuse(fields, "invalid_params", tooDeep("params"));
  if (typeof method !== "string") return refuse(fields, "bad_request", "method must be a string.");
  if (idempotencyKey !== undefined && !isShortName(idempotencyKey)) {
    return refuse(fields, "bad_request", NEEDS_IDEMPOTENCY_KEY);
  }
  return { kind: "message", message: { type: "call", id, method, params, idempotencyKey } };
}

function decodeOffers(fields: Fields): Decoded {
  const { methods, run } = fields;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (!isListOfNames(methods)) {
    const message = `methods must be a list of at most ${MAX_OFFERS} names.`;
    return refuse(fields, "bad_request", message);
  }
  if (run !== undefined && !isShortName(run)) {
    return refuse(fields, "bad_request", "run must be a string of 1 to 255 characters.");
  }
  return { kind: "message", message: { type: "offers", id, methods, run } };
}

function isListOfNames(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length > MAX_OFFERS) return false;
  return value.every((name) => typeof name === "string");
}

function decodeResponse(fields: Fields): Decoded {
  const data = fields["data"] as JsonPart | undefined;
  const id = idOf(fields);
  if (id === undefined) return refuse(fields, "bad_request", NEEDS_ID);
  if (data !== undefined && data.depth > MAX_DEPTH) {
    return refuse(fields, "invalid_data", tooDeep("data"));
  }
  const error = fields["error"] === undefined ? undefined : failureOf(fields["error"]);
  if (error === null) {
    return refuse(fields, "bad_request", "error must be {code: string, message: string}.");
  }
  return { kind: "message", message: { type: "response", id, data, error } };
}

function failureOf(error: unknown): { code: string; message: string } | null {
  if (!isObject(error)) return null;
  const { code, message } = error;
  return typeof code === "string" && typeof message === "string" ? { code, message } : null;
}

function decodeHello(fields: Fields): Decoded {
  const { token, maxMessage } = fields;
  if (token !== undefined && typeof token !== "string") {
    return refuse(fields, "bad_request", "token must be a string.");
  }
  if (maxMessage !== undefined && !isMaxMessage(maxMessage)) {
    const message = `maxMessage must be a number of bytes, ${MIN_CLIENT_MESSAGE_BYTES} or more.`;
    return refuse(fields, "bad_request", message);
  }
  return { kind: "message", message: { type: "hello", token, maxMessage } };
}

function isMaxMessage(value: unknown): value is number {
  return typeof value === "number" && value >= MIN_CLIENT_MESSAGE_BYTES;
}

function decodeRefresh(fields: Fields): Decoded {
  const { token } = fields;
  if (typeof token === "string") return { kind: "message", message: { type: "refresh", token } };
  return refuse(fields, "bad_request", "refresh needs a token, a string.");
}

/** Reads an event to publish; a string says what is wrong with it. */
export function draftOf(fields: Fields): EventDraft | string {
  const { key, remove, idempotencyKey } = fields;
  const data = fields["data"] as JsonPart | undefined;
  if (key !== undefined && typeof key !== "string") return "key must be a string.";
  if (remove !== undefined && typeof remove !== "boolean") return "remove must be true or absent.";
  if (idempotencyKey !== undefined && !isShortName(idempotencyKey)) {
    return NEEDS_IDEMPOTENCY_KEY;
  }
  const removed = remove === true;
  if (removed === (data !== undefined)) return "Give either data or remove: true.";
  if (data !== undefined && data.depth > MAX_DEPTH) return tooDeep("data");
  return { key, removed, idempotencyKey, ...(data !== undefined && { json: data.json }) };
}

function isShortName(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 255;
}

function positionOf(since: unknown, view: unknown): ToldPosition | null {
  if (!isObject(since)) return null;
  const { epoch, offset } = since;
  if (typeof epoch !== "string" || !isOffset(offset)) return null;
  return { epoch, offset, ...(typeof view === "string" && { view }) };
}

function startingPointOf(value: unknown): StartingPoint | null {
  if (!isObject(value)) return null;
  const { last, sinceMs } = value;
  if (last !== undefined && last !== "all" && !isOffset(last)) return null;
  const isAge = typeof sinceMs === "number" && sinceMs >= 0;
  if (sinceMs !== undefined && !isAge) return null;
  return last === undefined && sinceMs === undefined ? null : { last, sinceMs };
}

function isRate(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value <= MAX_RATE;
}

function isCount(value: unknown): value is number {
  return isOffset(value) && value > 0;
}

function isOffset(value: unknown): value is Offset {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function idOf({ id }: Fields): RequestId | undefined {
  if (typeof id === "string" && id.length <= 255) return id;
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}

function refuse(
  fields: Fields,
  code: LiveErrorCode,
  message: string,
): Extract<Decoded, { kind: "refused" }> {
  return { kind: "refused", id: idOf(fields), code, message };
}

const NEEDS_ID = "id must be a string of at most 255 characters or an integer.";
const NEEDS_STARTING_POINT =
  'from must be {last?: integer or "all", sinceMs?: number} with at least one of them.';
const NEEDS_IDEMPOTENCY_KEY = "idempotencyKey must be a string of 1 to 255 characters.";
const NEEDS_TOPIC = "topic must be a string.";
