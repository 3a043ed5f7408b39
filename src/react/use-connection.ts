import { useCallback, useSyncExternalStore } from "react";
import type { LiveStatus } from "../live/client/index.ts";

/** The status of a connection, for a component to show. */
export function useConnection(live: {
  readonly status: LiveStatus;
  onStatus(listener: (status: LiveStatus) => void): () => void;
}): LiveStatus {
  const subscribe = useCallback((onChange: () => void) => live.onStatus(onChange), [live]);
  const status = (): LiveStatus => live.status;
  return useSyncExternalStore(subscribe, status, status);
}
