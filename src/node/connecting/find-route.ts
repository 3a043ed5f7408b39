import type { Destination } from "./destination.ts";
import type { Dial } from "./dial.ts";
import type { OpenOptions } from "./open-options.ts";
import { proxyFromEnvironment } from "./proxy-environment.ts";
import { remoteHostOf } from "./remote-host.ts";
import type { Route } from "./route.ts";
import { addressesOf } from "./tcp.ts";

/**
 * Finds the way to a server, and looks its name up unless a proxy does that.
 *
 * @throws LongwireError for a bad proxy in the environment; what the lookup fails with
 */
export async function findRoute(
  { url }: Destination,
  dial: Dial,
  options: OpenOptions,
): Promise<Route> {
  if (options.socketPath !== undefined) return { kind: "unix", path: options.socketPath };
  const remote = remoteHostOf(url);
  const proxy =
    options.proxy === "environment" ? proxyFromEnvironment(url, process.env) : options.proxy;
  if (proxy?.looksUp === true) return { kind: "proxy", proxy, target: remote };
  dial.step = { kind: "looking up", where: url.host };
  const addresses = await addressesOf(remote.host, options.tcp);
  if (proxy === undefined) return { kind: "direct", remote, addresses };
  return { kind: "proxy", proxy, target: { ...remote, host: addresses[0]!.address } };
}
