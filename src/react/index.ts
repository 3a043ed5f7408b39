export { useConnection } from "./use-connection.ts";
export { useTopic } from "./use-topic.ts";
export type { TopicView, UseTopicOptions } from "./use-topic.ts";
