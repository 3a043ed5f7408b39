import { LongwireError } from "../../../base/index.ts";
import { isEncoded } from "../../shared/percent-encoded.ts";

const CLUSTER = /^(rediss?)\+cluster:\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/;

/**
 * Returns the URLs of the servers to ask for a cluster's slot map; undefined if the URL is not a
 * cluster's.
 */
export function clusterRoots(url: string | undefined): string[] | undefined {
  const [, protocol = "", credentials, hosts] = CLUSTER.exec(url ?? "") ?? [];
  return hosts?.split(",").map((host) => urlOf(protocol, credentials, host));
}

/** Returns the URL of another server of the same cluster as `root`. */
export function urlAt(root: string, address: string): string {
  const [, protocol = "", credentials] = /^(rediss?):\/\/(?:([^@/]*)@)?/.exec(root) ?? [];
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  // Servers report their IPv6 addresses without brackets.
  return urlOf(protocol, credentials, `${host.includes(":") ? `[${host}]` : host}:${port}`);
}

function urlOf(protocol: string, credentials: string | undefined, host: string): string {
  return `${protocol}://${credentials === undefined ? "" : `${credentials}@`}${host}`;
}

/** @throws LongwireError `invalid_option`; the message contains no credentials */
export function checkUrl(url: string): void {
  const urls = clusterRoots(url) ?? [url];
  if (urls.every(isRedisUrl)) return;
  const message =
    "The broker's URL is not a Redis URL; give one such as redis://127.0.0.1:6379, or redis+cluster://a:6379,b:6379 for a cluster, with credentials percent-encoded.";
  throw new LongwireError("invalid_option", message);
}

/** Whether the package `redis` can parse it: it throws if credentials or a database are invalid. */
function isRedisUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol)) return false;
  return isEncoded(url) && /^\/?\d*$/.test(url.pathname);
}
