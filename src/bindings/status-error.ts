import type { FeedStatus } from "../live/client/index.ts";

/** Returns why a feed is refused or has ended. */
export function errorOf(status: FeedStatus): Error | undefined {
  return "error" in status ? status.error : undefined;
}

/** Whether the data of a replaced feed is needed no longer, because this one has its own or none. */
export function isSettled({ state }: FeedStatus): boolean {
  return state === "live" || state === "ended";
}
