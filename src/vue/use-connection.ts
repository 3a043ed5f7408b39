import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import type { LiveStatus } from "../live/client/index.ts";
import { isRenderedOnServer } from "./is-rendered-on-server.ts";

/**
 * The status of a connection, for a template to show.
 *
 * It ends with the component, or with the effect scope, that it is used in. A page that a server
 * renders shows `connecting`.
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
