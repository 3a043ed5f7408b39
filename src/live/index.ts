export type { Broker, BrokerTopic, Receipt } from "./broker.ts";
export { EventLog } from "./event-log.ts";
export { LiveError } from "./live-error.ts";
export type { LiveErrorCode } from "./live-error.ts";
export { matchFields } from "./match-fields.ts";
export type { Offset, Position } from "./position.ts";
export { LiveServer } from "./server/live-server.ts";
export type { LiveServerOptions } from "./server/live-server.ts";
export type { TopicHandle } from "./server/topic-handle.ts";
export type { StandardSchema } from "./standard-schema.ts";
export { keyedTopic, logTopic } from "./topic-declaration.ts";
export type {
  KeyedTopicDeclaration,
  LogTopicDeclaration,
  Params,
  Retention,
  TopicDeclaration,
} from "./topic-declaration.ts";
export { eventOf } from "./topic-event.ts";
export type { EventDraft, TopicEvent } from "./topic-event.ts";
