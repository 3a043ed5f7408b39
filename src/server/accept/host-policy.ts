import { isIPv4 } from "node:net";
import { LongwireError } from "../../base/index.ts";
import type { Refusal } from "../../protocol/index.ts";

/**
 * By which names a server may be asked, as the `Host` header says.
 *
 * `"any"` (the default): all names. `"loopback"`: names of this machine only, `localhost` and
 * loopback addresses, for a server that listens on 127.0.0.1. A list: these names, without a port,
 * and those of this machine.
 *
 * Without this check a page elsewhere whose name is made to point at 127.0.0.1 is of the same
 * origin as the server, and may read it. (DNS rebinding)
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
  const message = `hosts is ${JSON.stringify(names) ?? String(names)}; give "any", "loopback", or a list of names without a port such as ["example.com"].`;
  throw new LongwireError("invalid_hosts", message);
}

/** @param host the header with or without a port; nothing is what no browser sends */
export function isHostAllowed(policy: HostPolicy, host: string | undefined): boolean {
  if (policy === "any" || host === undefined) return true;
  const name = nameOf(host);
  return isLoopbackName(name) || (policy !== "loopback" && policy.includes(name));
}

export function foreignHost(host = ""): Refusal {
  const message = `This server is not ${JSON.stringify(host.slice(0, 200))}; use its own name, or add this one to hosts (--allow-host).`;
  return { status: 421, code: "foreign_host", message, headers: [] };
}

/**
 * The policy for a server that listens on `address`: the names that are given, or where there are
 * none, those of this machine if only it can reach the address.
 *
 * @param names `any` among them allows all
 */
export function hostPolicyFor(address: string, names: readonly string[] = []): HostPolicy {
  if (names.includes("any")) return "any";
  if (names.length > 0) return names;
  return isLoopbackName(address === "::1" ? "[::1]" : address) ? "loopback" : "any";
}

/** The host's name in lower case, without its port. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "");
}

function isLoopbackName(name: string): boolean {
  if (name === "localhost" || name.endsWith(".localhost") || name === "[::1]") return true;
  return isIPv4(name) && name.startsWith("127.");
}
