export { connectionStore } from "./connection-store.ts";
export type { Readable } from "./readable.ts";
export { topicStore } from "./topic-store.ts";
export type { TopicStoreOptions, TopicView } from "./topic-store.ts";
