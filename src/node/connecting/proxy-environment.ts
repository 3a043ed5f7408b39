import { BlockList, isIP } from "node:net";
import { parseProxy, type Proxy } from "./proxy.ts";
import { remoteHostOf, type RemoteHost } from "./remote-host.ts";

/** Environment variables, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy that the environment names for this URL, read as most programs read it: no
 * standard says how.
 *
 * `ws:` has `http_proxy`, `wss:` has `https_proxy`, both else `all_proxy`; lower case goes before
 * upper case, and an empty variable counts as none.
 *
 * @throws LongwireError `invalid_proxy`, `invalid_credentials`
 */
export function proxyFromEnvironment(url: URL, environment: Environment): Proxy | undefined {
  const specific = url.protocol === "wss:" ? "https_proxy" : "http_proxy";
  const name = namesOf(specific, environment)
    .concat(namesOf("all_proxy", environment))
    .find((name) => (environment[name] ?? "") !== "");
  if (name === undefined) return undefined;
  const exceptions = environment["no_proxy"] || environment["NO_PROXY"] || "";
  if (isException(remoteHostOf(url), exceptions)) return undefined;
  return parseProxy(environment[name] ?? "", `The environment's ${name}`);
}

function namesOf(name: string, environment: Environment): string[] {
  // In a CGI program HTTP_PROXY is what a request's Proxy header said. (CVE-2016-5385)
  const isCgi = name === "http_proxy" && environment["REQUEST_METHOD"] !== undefined;
  return isCgi ? [name] : [name, name.toUpperCase()];
}

/**
 * Says whether a list like `localhost, .example.com, example.org:8080, 10.0.0.0/8, [::1]` has the
 * host. A name stands for itself and everything below it, with or without a leading dot or `*.`;
 * `*` stands for every host.
 */
export function isException(remote: RemoteHost, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => entry !== "" && matches(remote, entry.toLowerCase()));
}

const ENTRY = /^(?:\[([^\]]*)\]|([^[\]]*?))(?::(\d+))?$/;

function matches({ host, port }: RemoteHost, entry: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isInSubnet(host, entry);
  // An IPv6 address may stand without brackets, when no port follows it.
  if (isIP(entry) > 0) return isSameAddress(host, entry);
  const [, bracketed, plain = "", onlyPort] = ENTRY.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  const named = bracketed ?? plain;
  if (isIP(named) > 0) return isSameAddress(host, named);
  const domain = withoutLastDot(named.replace(/^\*?\./, ""));
  const name = withoutLastDot(host.toLowerCase());
  return domain !== "" && isIP(host) === 0 && (name === domain || name.endsWith(`.${domain}`));
}

function withoutLastDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function isSameAddress(host: string, address: string): boolean {
  return isInSubnet(host, `${address}/${isIP(address) === 6 ? 128 : 32}`);
}

function isInSubnet(host: string, subnet: string): boolean {
  const [address = "", prefix = ""] = subnet.split("/");
  const family = isIP(address);
  const isPrefix = /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32);
  if (family === 0 || isIP(host) !== family || !isPrefix) return false;
  const type = family === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), type);
  return list.check(host, type);
}
