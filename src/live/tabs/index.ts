export { shareAmongTabs } from "./share-among-tabs.ts";
export type { Locks, TabChannel } from "./browser-parts.ts";
export type { TabOptions } from "./share-among-tabs.ts";
