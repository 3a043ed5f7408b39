import type { RedisClientOptions } from "redis";
import { LongwireError, type Clock } from "../../base/index.ts";
import { checkUrl, clusterRoots } from "./redis-url.ts";

export interface RedisBrokerOptions {
  /**
   * `redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`; `rediss:` is TLS. Of a Redis Cluster
   * `redis[s]+cluster://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…]`, some of its servers.
   * Default `redis://127.0.0.1:6379`.
   */
  url?: string;
  /** Whatever else the client of the npm package `redis` takes: credentials, TLS, a name. */
  client?: Omit<RedisClientOptions, "RESP" | "url" | "disableOfflineQueue" | "keyPrefix">;
  /** What all keys and channels begin with, so that several programs can share a Redis. */
  prefix?: string;
  /**
   * How long Redis may take to answer before the connection is given up and made anew, in
   * milliseconds. Default 5,000.
   */
  timeoutMs?: number;
  /**
   * How often each topic is looked at, in milliseconds, should a notification have been lost.
   * Default 10,000.
   */
  lookMs?: number;
  /** The longest time between two attempts to connect, in milliseconds. Default 5,000. */
  longestRetryMs?: number;
  /**
   * Hears why the connection was lost or could not be made again, and once, when it is opened, of a
   * server that deletes keys when its memory is full (`broker_evicts`). Default: nobody.
   */
  onError?: (error: LongwireError) => void;
  /** Where time comes from; for tests. */
  clock?: Clock;
}

/** Where the server is, in words that hold no credentials. */
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
    const message = `The prefix ${JSON.stringify(prefix)} has braces, which say in which slot a key is; leave them out.`;
    throw new LongwireError("invalid_option", message);
  }
  if (url !== undefined) checkUrl(url);
}
