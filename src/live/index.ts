export { asyncApiDocument } from "./async-api/async-api-document.ts";
export type { AsyncApiDocument, AsyncApiInfo } from "./async-api/async-api-document.ts";
export { clientMethod, method } from "./live-api.ts";
export type {
  CallContext,
  ClientMethodDeclaration,
  ClientMethods,
  LiveApi,
  MethodDeclaration,
  Methods,
  OpenedApi,
} from "./live-api.ts";
export { LiveServer } from "./server/live-server.ts";
export type { LiveCensus, LiveEndpoint } from "./server/live-server.ts";
export { ClientError } from "./server/asking/asked-client.ts";
export type { ClientHandle } from "./server/asking/client-handle.ts";
export type { FollowerAnswer, FollowersHandle } from "./server/asking/followers-handle.ts";
export {
  commandsTopic,
  connectionsTopic,
  lifecycleTopic,
  nodesTopic,
  topicsTopic,
} from "./system-topics.ts";
export type {
  CommandInfo,
  ConnectionInfo,
  LifecycleEvent,
  NodeInfo,
  TopicInfo,
} from "./system-topics.ts";
export type { Command } from "./server/mailbox/command.ts";
export type { IdentityHandle } from "./server/mailbox/identity-handle.ts";
export type { CommandOptions } from "./server/mailbox/mailbox.ts";
export type {
  Connections,
  DisconnectOptions,
  FoundConnection,
  RevokeOptions,
} from "./server/cluster/connections.ts";
export type { ConnectionFilter } from "./server/cluster/connection-filter.ts";
export type { ShedOptions } from "./server/cluster/shedding.ts";
export type { Revoked } from "./server/cluster/revocations.ts";
export type { AskOptions } from "./server/asking/question.ts";
export type { LiveServerOptions } from "./server/live-server-options.ts";
export type { Authenticate, Credentials, Identity } from "./server/access/credentials.ts";
export type { LiveDiagnostics } from "./server/observing/diagnostics.ts";
export type { FrameFormat, LiveExchange, LivePeer, LiveUpgrade } from "./server/live-peer.ts";
export type { LiveStatistics } from "./server/observing/statistics.ts";
export type { TopicHandle } from "./server/topic-handle.ts";
export { defaultRetention, keyedTopic, LiveError, logTopic, matchFields } from "../topics/index.ts";
export type {
  AccessRequest,
  Authority,
  Broker,
  BrokerTopic,
  EventDraft,
  HeldKey,
  KeyedTopicDeclaration,
  LiveAction,
  LiveErrorCode,
  LogTopicDeclaration,
  Offset,
  Params,
  Position,
  PresenceOptions,
  PublishDraft,
  Receipt,
  Retention,
  StandardSchema,
  TopicDeclaration,
  TopicEvent,
} from "../topics/index.ts";
