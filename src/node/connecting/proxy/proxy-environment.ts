import { BlockList, isIP } from "node:net";
import { parseProxy, type Proxy } from "./proxy.ts";
import { remoteHostOf, type RemoteHost } from "../route/remote-host.ts";

/** Environment variables, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy that the environment sets for this URL. There is no standard; the variables are
 * interpreted as by most programs.
 *
 * `ws:` uses `http_proxy`, `wss:` uses `https_proxy`, and both fall back to `all_proxy`. Lower case
 * takes precedence over upper case, and an empty variable counts as unset.
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
  return parseProxy(environment[name] ?? "", `The environment variable ${name}`);
}

function namesOf(name: string, environment: Environment): string[] {
  // In a CGI program, HTTP_PROXY holds the Proxy header of the request. (CVE-2016-5385)
  const isCgi = name === "http_proxy" && environment["REQUEST_METHOD"] !== undefined;
  return isCgi ? [name] : [name, name.toUpperCase()];
}

/**
 * Whether a list such as `localhost, .example.com, example.org:8080, 10.0.0.0/8, [::1]` contains
 * the host. A name matches itself and all subdomains, with or without a leading dot or `*.`; `*`
 * matches every host.
 */
export function isException(remote: RemoteHost, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => entry !== "" && matches(remote, entry.toLowerCase()));
}

const ENTRY = /^(?:\[([^\]]*)\]|([^[\]]*?))(?::(\d+))?$/;

function matches({ host, port }: RemoteHost, entry: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isInSubnet(host, entry);
  // An IPv6 address may be written without brackets if no port follows.
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
