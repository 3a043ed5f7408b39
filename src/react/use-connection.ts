import { useCallback, useSyncExternalStore } from "react";
import type { LiveStatus } from "../live/client/index.ts";

const CONNECTING: LiveStatus = { state: "connecting" };

/** The status of a connection, for a component to show; on a server always `connecting`. */
export function useConnection(live: {
  readonly status: LiveStatus;
  onStatus(listener: (status: LiveStatus) => void): () => void;
}): LiveStatus {
  const subscribe = useCallback((onChange: () => void) => live.onStatus(onChange), [live]);
  return useSyncExternalStore(
    subscribe,
    () => live.status,
    () => CONNECTING,
  );
}
