export { history } from "./history.ts";
export type { HistoryOptions, HistoryPage } from "./history.ts";
