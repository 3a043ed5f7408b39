import type { Live, LiveApi } from "../live/client/index.ts";
import { idleLive } from "./idle-live.ts";

/**
 * Returns a page's client; on a server that renders the page, where there is no `window`, a client
 * without a connection, so that rendering opens none.
 *
 * That one has `status` `connecting`, its feeds are `closed` and empty, and its requests reject with
 * the LongwireError `on_server`. In a worker, which has no `window` either, call `connect` directly.
 *
 * @param open creates the client, such as `() => connect("/live")`; called at once in a page, and
 *   never on a server
 * @throws what `open` throws
 */
export function browserOnly<Api extends LiveApi>(open: () => Live<Api>): Live<Api> {
  return "window" in globalThis ? open() : idleLive<Api>();
}
