import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { LongwireError, type Clock } from "../../base/index.ts";
import { isEncoded } from "../shared/percent-encoded.ts";

export interface NatsBrokerOptions {
  /**
   * `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][,HOST[:PORT]…]`; list several servers of a cluster.
   * `tls:` requires TLS. Default `nats://127.0.0.1:4222`.
   */
  url?: string;
  /**
   * Further options for the client of the npm package `@nats-io/transport-node`: credentials
   * (`user`, `pass`, `token`, `authenticator`), `tls`, `name`, `inboxPrefix`.
   */
  client?: Omit<
    NodeConnectionOptions,
    "servers" | "port" | "reconnect" | "waitOnFirstConnect" | "timeout" | "noEcho"
  >;
  /**
   * The prefix of all streams and subjects, so that several programs can share one NATS. Default
   * `longwire`.
   */
  prefix?: string;
  /**
   * How many servers of a cluster store each stream. Default: 1 for new streams, and existing ones
   * stay unchanged.
   */
  replicas?: number;
  /** Where NATS stores the streams. Default `"file"`. */
  storage?: "file" | "memory";
  /** How long to wait for an answer from NATS, in milliseconds. Default 5,000. */
  timeoutMs?: number;
  /** The interval at which each topic is refreshed, in milliseconds. Default 10,000. */
  lookMs?: number;
  /**
   * How long a repeated append is recognized, in milliseconds; must be the same on all nodes.
   * Default 300,000, which clients rely on; change it only in tests.
   */
  windowMs?: number;
  /** The longest interval between attempts to connect, in milliseconds. Default 5,000. */
  longestRetryMs?: number;
  /**
   * Receives why the connection was lost or could not be restored, and that replicas of a stream
   * differ (`broker_diverged`). Default: errors are ignored.
   */
  onError?: (error: LongwireError) => void;
  /** The clock, for tests. */
  clock?: Clock;
}

const DEFAULT_URL = "nats://127.0.0.1:4222";
const DEFAULT_PORT = "4222";
export const DEFAULT_PREFIX = "longwire";

/** The servers and credentials from the options. */
export interface Address {
  /** Each `HOST:PORT`. */
  readonly servers: readonly string[];
  /** Includes credentials and TLS, if the URL or the options have any. */
  readonly client: NodeConnectionOptions;
}

/** @throws LongwireError `invalid_option` */
export function addressOf({ url = DEFAULT_URL, client = {} }: NatsBrokerOptions): Address {
  const [first = "", ...others] = url.split(",");
  const scheme = /^[a-z]+:\/\//.exec(first)?.[0] ?? "";
  // Only the first server needs a scheme.
  const texts = [first, ...others.map((text) => (text.includes("://") ? text : scheme + text))];
  const urls = texts.map(parsed);
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`);
  const [named] = urls.filter(({ username }) => username !== "");
  const isSecure = urls.some(({ protocol }) => protocol === "tls:") || Boolean(client.tls);
  // The client library compares the certificate with `localhost` if the server is given by its IP
  // address.
  const host = urls.length === 1 ? { host: urls[0]!.hostname.replace(/[[\]]/g, "") } : {};
  const tls = { ...host, ...client.tls };
  return {
    servers,
    client: { ...(named && credentialsOf(named)), ...client, ...(isSecure && { tls }) },
  };
}

/** @throws LongwireError `invalid_option` */
export function checkOptions({ prefix = DEFAULT_PREFIX, replicas = 1 }: NatsBrokerOptions): void {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(prefix)) {
    const message = `The prefix ${JSON.stringify(prefix)} cannot be used in NATS names; use 1 to 64 characters of A-Z a-z 0-9 _ -.`;
    throw new LongwireError("invalid_option", message);
  }
  if (Number.isInteger(replicas) && replicas >= 1 && replicas <= 5) return;
  const message = `replicas is ${replicas}; NATS can store a stream on 1 to 5 servers.`;
  throw new LongwireError("invalid_option", message);
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOfNats = url?.protocol === "nats:" || url?.protocol === "tls:";
  if (url?.hostname && isOfNats && isEncoded(url)) return url;
  // Messages never contain the URL, because it may hold a password.
  const message =
    "The broker's URL is not a NATS URL; give one such as nats://127.0.0.1:4222 or nats://a:4222,b:4222, with credentials percent-encoded.";
  throw new LongwireError("invalid_option", message);
}

function credentialsOf({ username, password }: URL): NodeConnectionOptions {
  const [user, pass] = [username, password].map(decodeURIComponent) as [string, string];
  return pass === "" ? { token: user } : { user, pass };
}
