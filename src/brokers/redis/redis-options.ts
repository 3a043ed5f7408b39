import type { RedisClientOptions } from "redis";
import { LongwireError, type Clock } from "../../base/index.ts";
import { checkUrl, clusterRoots } from "./link/redis-url.ts";

export interface RedisBrokerOptions {
  /**
   * `redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`; `rediss:` uses TLS. For a Redis Cluster:
   * `redis[s]+cluster://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…]` with some of its servers.
   * Default `redis://127.0.0.1:6379`.
   */
  url?: string;
  /** Further options for the client of the npm package `redis`: credentials, TLS, a name. */
  client?: Omit<RedisClientOptions, "RESP" | "url" | "disableOfflineQueue" | "keyPrefix">;
  /** The prefix of all keys and channels, so that several programs can share one Redis. */
  prefix?: string;
  /** How long to wait for an answer before the connection is replaced, in milliseconds. Default 5,000. */
  timeoutMs?: number;
  /**
   * The interval at which each topic is refreshed, in case a notification was lost, in
   * milliseconds. Default 10,000.
   */
  lookMs?: number;
  /** The longest interval between attempts to connect, in milliseconds. Default 5,000. */
  longestRetryMs?: number;
  /**
   * Receives why the connection was lost or could not be restored, and once, on opening, that a
   * server evicts keys when its memory is full (`broker_evicts`). Default: errors are ignored.
   */
  onError?: (error: LongwireError) => void;
  /** The clock, for tests. */
  clock?: Clock;
}

/** Names the server without credentials. */
export function serverName({ url, client }: RedisBrokerOptions): string {
  const socket = (client?.socket ?? {}) as { host?: string; port?: number; path?: string };
  const urls = clusterRoots(url) ?? (url === undefined ? [] : [url]);
  if (url !== undefined)
    return urls.map((each) => new URL(each).host || "127.0.0.1:6379").join(", ");
  return socket.path ?? `${socket.host ?? "127.0.0.1"}:${socket.port ?? 6379}`;
}

/** @throws LongwireError `invalid_option` */
export function checkOptions({ url, prefix = "" }: RedisBrokerOptions): void {
  if (/[{}]/.test(prefix)) {
    const message = `The prefix ${JSON.stringify(prefix)} contains braces, which determine a key's slot; leave them out.`;
    throw new LongwireError("invalid_option", message);
  }
  if (url !== undefined) checkUrl(url);
}
