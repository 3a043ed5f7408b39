export { observeLive } from "./observe-live.ts";
export type { ObservedLive, ObserveOptions } from "./observe-live.ts";
