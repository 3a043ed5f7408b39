export { openBroker, type BrokerPlace } from "./open-broker.ts";
export {
  EVENT_BYTES,
  EventLog,
  eventBytes,
  eventOf,
  keptEvent,
  LiveError,
  NAME_BYTES,
  REMEMBERED_BYTES,
  requireWellFormed,
  requireWellFormedName,
  textBytes,
} from "../topics/index.ts";
export type {
  Broker,
  BrokerTopic,
  EventDraft,
  HeldKey,
  LiveErrorCode,
  Offset,
  Position,
  Receipt,
  Retention,
  TopicDeclaration,
  TopicEvent,
} from "../topics/index.ts";
