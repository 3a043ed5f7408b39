export { asyncApiDocument } from "./async-api/async-api-document.ts";
export type { AsyncApiDocument, AsyncApiInfo } from "./async-api/async-api-document.ts";
export type { Broker, BrokerTopic, HeldKey, Receipt } from "../topics/broker.ts";
export { eventBytes, EventLog } from "../topics/log/event-log.ts";
export { EVENT_BYTES, NAME_BYTES, REMEMBERED_BYTES, textBytes } from "../topics/memory-costs.ts";
export { LiveError } from "../topics/live-error.ts";
export type { LiveErrorCode } from "../topics/live-error.ts";
export { matchFields } from "../topics/matching/match-fields.ts";
export type { Offset, Position } from "../topics/position.ts";
export { LiveServer } from "./server/live-server.ts";
export type { LiveCensus, LiveEndpoint } from "./server/live-server.ts";
export type { LiveServerOptions } from "./server/open-realm.ts";
export type { Authenticate, Credentials, Identity } from "./server/credentials.ts";
export type { LiveDiagnostics } from "./server/diagnostics.ts";
export type { LiveStatistics } from "./server/statistics.ts";
export type { TopicHandle } from "./server/topic-handle.ts";
export { method } from "./live-api.ts";
export type { CallContext, LiveApi, MethodDeclaration, Methods } from "./live-api.ts";
export type { StandardSchema } from "../topics/declaration/standard-schema.ts";
export { defaultRetention, keyedTopic, logTopic } from "../topics/declaration/topic-declaration.ts";
export type {
  Authority,
  KeyedTopicDeclaration,
  LiveAction,
  LogTopicDeclaration,
  Params,
  PresenceOptions,
  Retention,
  TopicDeclaration,
} from "../topics/declaration/topic-declaration.ts";
export { eventOf, keptEvent } from "../topics/event.ts";
export { requireWellFormed, requireWellFormedName } from "../topics/well-formed.ts";
export type { EventDraft, TopicEvent } from "../topics/event.ts";
export type { FrameFormat, LiveExchange, LivePeer, LiveUpgrade } from "./server/live-peer.ts";
