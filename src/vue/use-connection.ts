import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import type { LiveStatus } from "../live/client/index.ts";

/**
 * The status of a connection, for a template to show.
 *
 * It ends with the component, or with the effect scope, that it is used in.
 */
export function useConnection(live: {
  readonly status: LiveStatus;
  onStatus(listener: (status: LiveStatus) => void): () => void;
}): Readonly<ShallowRef<LiveStatus>> {
  const status = shallowRef(live.status);
  onScopeDispose(live.onStatus((next) => (status.value = next)));
  return status;
}
