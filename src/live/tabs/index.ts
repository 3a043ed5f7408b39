export { shareAmongTabs } from "./share-among-tabs.ts";
export type { Locks, TabChannel, TabOptions } from "./share-among-tabs.ts";
