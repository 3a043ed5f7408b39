import { useCallback, useSyncExternalStore } from "react";
import type { LiveStatus } from "../live/client/index.ts";

const CONNECTING: LiveStatus = { state: "connecting" };

/**
 * Returns the status of a connection and rerenders when it changes. During server rendering it is
 * always `connecting`.
 */
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
