import type { LookupAddress } from "node:dns";
import type { Proxy } from "../proxy/proxy.ts";
import type { RemoteHost } from "./remote-host.ts";
import type { Place } from "./turns-per-host.ts";

/** The way to a server. */
export type Route =
  | { kind: "unix"; path: string }
  | { kind: "direct"; remote: RemoteHost; addresses: readonly LookupAddress[] }
  /** `target` is an address, or a name that the proxy resolves. */
  | { kind: "proxy"; proxy: Proxy; target: RemoteHost };

/**
 * The maximum number of simultaneous attempts through one proxy, to hosts that only the proxy can
 * tell apart: a "reasonably low" number in the words of RFC 6455.
 */
const PENDING_PER_PROXY = 32;

/**
 * Returns the places at which an attempt must be the only one: every address that it may connect
 * to, or the name if a proxy resolves it. (RFC 6455 §4.1, item 2)
 */
export function placesOn(route: Route): Place[] {
  if (route.kind === "unix") return [{ key: `unix ${route.path}`, atOnce: 1 }];
  if (route.kind === "direct") {
    return route.addresses.map(({ address }) => placeAt(address, route.remote.port));
  }
  const { proxy, target } = route;
  const place = placeAt(target.host, target.port);
  if (!proxy.looksUp) return [place];
  return [place, { key: `proxy ${proxy.name}`, atOnce: PENDING_PER_PROXY }];
}

function placeAt(host: string, port: number): Place {
  return { key: `${host} ${port}`, atOnce: 1 };
}
