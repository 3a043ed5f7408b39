export {
  ApplicationError,
  callApplication,
  errorText,
  isStrayPromise,
  oneLine,
  quoted,
} from "./application-error.ts";
export type { Broker, BrokerTopic, HeldKey, Receipt } from "./broker.ts";
export { Catalog, type TopicEntry } from "./catalog.ts";
export type {
  AccessRequest,
  Authority,
  LiveAction,
  PublishDraft,
} from "./declaration/authority.ts";
export { requireAuthorize, requireSchema } from "./declaration/check-declaration.ts";
export type { Params } from "./declaration/params.ts";
export { type StandardSchema, validate } from "./declaration/standard-schema.ts";
export {
  defaultRetention,
  keyedTopic,
  type KeyedTopicDeclaration,
  logTopic,
  type LogTopicDeclaration,
  type PresenceOptions,
  type Retention,
  type TopicDeclaration,
} from "./declaration/topic-declaration.ts";
export { presenceOf, topicOfPresence } from "./declaration/topic-name.ts";
export { type EventDraft, eventOf, keptEvent, type TopicEvent } from "./event.ts";
export type { Encoding, StatePage, TopicAddress } from "./fan-out/encoding.ts";
export type { SendBuffer, Pumped } from "./fan-out/send-buffer.ts";
export { type Pace, Subscription } from "./fan-out/subscription.ts";
export { View } from "./fan-out/view.ts";
export { jsonOf } from "./json/json-data.ts";
export { JsonPart } from "./json/json-part.ts";
export { requireFewParams } from "./matching/few-params.ts";
export { readObject, readValue } from "./json/members.ts";
export { lossy, parsed } from "./json/parsed.ts";
export {
  IDEMPOTENCY_WINDOW_MS,
  MAX_DEPTH,
  MAX_KEY_LENGTH,
  MAX_PARAMS,
  MAX_PARAMS_LENGTH,
  OUTSTANDING_BYTES,
  PAGE_BYTES,
} from "./limits.ts";
export { LiveError, type LiveErrorCode } from "./live-error.ts";
export { eventBytes, EventLog } from "./log/event-log.ts";
export { hasEntry } from "./log/has-entry.ts";
export { recover, type Recovery } from "./log/recover.ts";
export {
  inSlices,
  pageBefore,
  requireLog,
  type StartingPoint,
  startOf,
} from "./log/starting-point.ts";
export { freshWalk, type Walk } from "./log/walk.ts";
export { matchFields } from "./matching/match-fields.ts";
export {
  EVENT_BYTES,
  NAME_BYTES,
  OFFERS_BYTES,
  REMEMBERED_BYTES,
  REQUEST_BYTES,
  SUBSCRIPTION_BYTES,
  textBytes,
} from "./memory-costs.ts";
export {
  formatPosition,
  type Offset,
  parseOffset,
  parsePosition,
  type Position,
  type ToldPosition,
} from "./position.ts";
export { inTurn, REQUEST_UNITS, SUBSCRIBE_UNITS } from "./slices/in-turn.ts";
export type { SliceTask } from "./slices/slice-queue.ts";
export { livesWithConnection, type Report, Topic } from "./topic.ts";
export { requireWellFormed, requireWellFormedName } from "./well-formed.ts";
