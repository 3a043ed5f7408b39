import type { Destination } from "../http/destination.ts";
import type { Dial } from "../dial/dial.ts";
import type { OpenOptions } from "../open-options.ts";
import { proxyFromEnvironment } from "../proxy/proxy-environment.ts";
import { remoteHostOf } from "./remote-host.ts";
import type { Route } from "./route.ts";
import { addressesOf } from "../dial/tcp.ts";

/**
 * Determines the route to a server, and resolves its name unless a proxy does that.
 *
 * @throws LongwireError for an invalid proxy in the environment; the error of the lookup
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
  dial.step = { kind: "resolving the name", where: url.host };
  const addresses = await addressesOf(remote.host, options.tcp);
  if (proxy === undefined) return { kind: "direct", remote, addresses };
  return { kind: "proxy", proxy, target: { ...remote, host: addresses[0]!.address } };
}
