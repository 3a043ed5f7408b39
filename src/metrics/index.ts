export { observeLive } from "./observe-live.ts";
export type { ObserveOptions } from "./observe-live.ts";
export type { ObservedLive } from "./observed.ts";
