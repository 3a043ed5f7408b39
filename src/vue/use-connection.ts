import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import type { LiveStatus } from "../live/client/index.ts";
import { isRenderedOnServer } from "./is-rendered-on-server.ts";

/**
 * Returns the status of a connection as a ref.
 *
 * It stops updating when the component or effect scope that uses it ends. During server rendering
 * it is `connecting`.
 */
export function useConnection(live: {
  readonly status: LiveStatus;
  onStatus(listener: (status: LiveStatus) => void): () => void;
}): Readonly<ShallowRef<LiveStatus>> {
  if (isRenderedOnServer()) return shallowRef<LiveStatus>({ state: "connecting" });
  const status = shallowRef(live.status);
  onScopeDispose(live.onStatus((next) => (status.value = next)));
  return status;
}
