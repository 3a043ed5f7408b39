export { browserOnly } from "../bindings/index.ts";
export type { LogEvent, LogOptions, Schedule, ViewOptions } from "../bindings/index.ts";
export { useConnection } from "./use-connection.ts";
export type { TopicView, UseTopicOptions } from "./use-entries.ts";
export { useLog } from "./use-log.ts";
export type { LogView } from "./use-log.ts";
export { usePresence } from "./use-presence.ts";
export type { PresenceView } from "./use-presence.ts";
export { useTopic } from "./use-topic.ts";
