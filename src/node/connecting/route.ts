import type { LookupAddress } from "node:dns";
import type { Proxy } from "./proxy.ts";
import type { RemoteHost } from "./remote-host.ts";
import type { Place } from "./turns-per-host.ts";

/** The way to a server. */
export type Route =
  | { kind: "unix"; path: string }
  | { kind: "direct"; remote: RemoteHost; addresses: readonly LookupAddress[] }
  /** `target` has an address, or a name that the proxy looks up. */
  | { kind: "proxy"; proxy: Proxy; target: RemoteHost };

/**
 * How many attempts go through one proxy at once, to hosts that only the proxy can tell apart;
 * what RFC 6455 calls "reasonably low".
 */
const PENDING_PER_PROXY = 32;

/**
 * Returns where an attempt must be alone: at each address it may connect to, under whatever name;
 * where the proxy looks names up, at the name. (RFC 6455 §4.1, item 2)
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
