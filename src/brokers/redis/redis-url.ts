import { LongwireError } from "../../base/index.ts";
import { isEncoded } from "../shared/percent-encoded.ts";

const CLUSTER = /^(rediss?)\+cluster:\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/;

/**
 * The URLs of the servers that are asked where a cluster's slots are; undefined if the URL is not
 * that of a cluster.
 */
export function clusterRoots(url: string | undefined): string[] | undefined {
  const [, protocol = "", credentials, hosts] = CLUSTER.exec(url ?? "") ?? [];
  return hosts?.split(",").map((host) => urlOf(protocol, credentials, host));
}

/** The URL of another server of the cluster that `root` is of. */
export function urlAt(root: string, address: string): string {
  const [, protocol = "", credentials] = /^(rediss?):\/\/(?:([^@/]*)@)?/.exec(root) ?? [];
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  // As servers name themselves one of IPv6 has no brackets.
  return urlOf(protocol, credentials, `${host.includes(":") ? `[${host}]` : host}:${port}`);
}

function urlOf(protocol: string, credentials: string | undefined, host: string): string {
  return `${protocol}://${credentials === undefined ? "" : `${credentials}@`}${host}`;
}

/** @throws LongwireError `invalid_option`; the message has no credentials in it */
export function checkUrl(url: string): void {
  const urls = clusterRoots(url) ?? [url];
  if (urls.every(isRedisUrl)) return;
  const message =
    "The URL of the broker is not one of Redis; give one such as redis://127.0.0.1:6379, or redis+cluster://a:6379,b:6379 for a cluster, with credentials percent-encoded.";
  throw new LongwireError("invalid_option", message);
}

/** Whether the package `redis` can read it: it throws where credentials or a database are wrong. */
function isRedisUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol)) return false;
  return isEncoded(url) && /^\/?\d*$/.test(url.pathname);
}
