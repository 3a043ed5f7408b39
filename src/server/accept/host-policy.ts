import { isIPv4 } from "node:net";
import { LongwireError } from "../../base/index.ts";
import type { Refusal } from "../../protocol/index.ts";

/**
 * The host names that a server accepts in the `Host` header.
 *
 * `"any"` (the default): all names. `"loopback"`: only names of this machine, `localhost` and
 * loopback addresses, for a server that listens on 127.0.0.1. A list: these names, without a port,
 * and the names of this machine.
 *
 * This check prevents DNS rebinding: a page elsewhere whose host name is made to resolve to
 * 127.0.0.1 has the same origin as the server, and could read from it.
 */
export type HostPolicy = "any" | "loopback" | readonly string[];

/** @throws LongwireError `invalid_hosts` */
export function checkedHosts(policy: HostPolicy): HostPolicy {
  const names: unknown = policy;
  if (names === "any" || names === "loopback") return policy;
  const isList =
    Array.isArray(names) &&
    names.every((name: unknown) => typeof name === "string" && /^(\[[^\]]*\]|[^:/]+)$/.test(name));
  if (isList) return (names as string[]).map((name) => name.toLowerCase());
  const message = `hosts is ${JSON.stringify(names) ?? String(names)}; use "any", "loopback", or a list of names without a port such as ["example.com"].`;
  throw new LongwireError("invalid_hosts", message);
}

/**
 * @param host the header, with or without a port. A request without a `Host` header is accepted,
 *   because browsers always send one.
 */
export function isHostAllowed(policy: HostPolicy, host: string | undefined): boolean {
  if (policy === "any" || host === undefined) return true;
  const name = nameOf(host);
  return isLoopbackName(name) || (policy !== "loopback" && policy.includes(name));
}

export function foreignHost(host = ""): Refusal {
  const message = `This server does not accept the host ${JSON.stringify(host.slice(0, 200))}; use the server's own name, or add this one to hosts (--allow-host).`;
  return { status: 421, code: "foreign_host", message, headers: [] };
}

/**
 * Returns the policy for a server that listens on `address`: the given names, or without any, the
 * names of this machine if only this machine can reach the address.
 *
 * @param names if `any` is among them, all names are accepted
 */
export function hostPolicyFor(address: string, names: readonly string[] = []): HostPolicy {
  if (names.includes("any")) return "any";
  if (names.length > 0) return names;
  return isLoopbackName(address === "::1" ? "[::1]" : address) ? "loopback" : "any";
}

/** Returns the host name in lower case, without the port. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "");
}

function isLoopbackName(name: string): boolean {
  if (name === "localhost" || name.endsWith(".localhost") || name === "[::1]") return true;
  return isIPv4(name) && name.startsWith("127.");
}
