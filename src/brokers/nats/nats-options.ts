import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { LongwireError, type Clock } from "../../base/index.ts";
import { isEncoded } from "../shared/percent-encoded.ts";

export interface NatsBrokerOptions {
  /**
   * `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][,HOST[:PORT]…]`, of a cluster several servers;
   * `tls:` asks for TLS. Default `nats://127.0.0.1:4222`.
   */
  url?: string;
  /**
   * Whatever else the client of the npm package `@nats-io/transport-node` takes: credentials
   * (`user`, `pass`, `token`, `authenticator`), `tls`, `name`, `inboxPrefix`.
   */
  client?: Omit<
    NodeConnectionOptions,
    "servers" | "port" | "reconnect" | "waitOnFirstConnect" | "timeout" | "noEcho"
  >;
  /** What all streams and subjects begin with, so that several programs can share a NATS. Default `longwire`. */
  prefix?: string;
  /** How many servers of a cluster keep each stream. Default 1, and what there is stays as it is. */
  replicas?: number;
  /** Where NATS keeps the streams. Default `"file"`. */
  storage?: "file" | "memory";
  /**
   * How long NATS may take to answer before what was asked is given up, in milliseconds. Default
   * 5,000.
   */
  timeoutMs?: number;
  /** How often each topic is looked at, in milliseconds. Default 10,000. */
  lookMs?: number;
  /**
   * For how long a repeated append is recognised, in milliseconds; the same at all nodes. Default
   * 300,000, which is what clients count on; for tests.
   */
  windowMs?: number;
  /** The longest time between two attempts to connect, in milliseconds. Default 5,000. */
  longestRetryMs?: number;
  /**
   * Hears why the connection was lost or could not be made again, and that replicas of a stream
   * differ (`broker_diverged`). Default: nobody.
   */
  onError?: (error: LongwireError) => void;
  /** Where time comes from; for tests. */
  clock?: Clock;
}

const DEFAULT_URL = "nats://127.0.0.1:4222";
const DEFAULT_PORT = "4222";
export const DEFAULT_PREFIX = "longwire";

/** What the options say of where NATS is, and who asks. */
export interface Address {
  /** `HOST:PORT`, each. */
  readonly servers: readonly string[];
  /** Credentials and TLS among it, if the URL or the options have some. */
  readonly client: NodeConnectionOptions;
}

/** @throws LongwireError `invalid_option` */
export function addressOf({ url = DEFAULT_URL, client = {} }: NatsBrokerOptions): Address {
  const [first = "", ...others] = url.split(",");
  const scheme = /^[a-z]+:\/\//.exec(first)?.[0] ?? "";
  // Only the first one has to say what kind of URL it is.
  const texts = [first, ...others.map((text) => (text.includes("://") ? text : scheme + text))];
  const urls = texts.map(parsed);
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`);
  const [named] = urls.filter(({ username }) => username !== "");
  const isSecure = urls.some(({ protocol }) => protocol === "tls:") || Boolean(client.tls);
  // The client compares the certificate with `localhost` where a server has no name but a number.
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
    const message = `The prefix ${JSON.stringify(prefix)} cannot stand in NATS's names; give 1 to 64 of A-Z a-z 0-9 _ -.`;
    throw new LongwireError("invalid_option", message);
  }
  if (Number.isInteger(replicas) && replicas >= 1 && replicas <= 5) return;
  const message = `replicas is ${replicas}; NATS keeps a stream on 1 to 5 servers.`;
  throw new LongwireError("invalid_option", message);
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOfNats = url?.protocol === "nats:" || url?.protocol === "tls:";
  if (url?.hostname && isOfNats && isEncoded(url)) return url;
  // A URL may hold a password, so no message repeats it.
  const message =
    "The URL of the broker is not one of NATS; give one such as nats://127.0.0.1:4222 or nats://a:4222,b:4222, with credentials percent-encoded.";
  throw new LongwireError("invalid_option", message);
}

function credentialsOf({ username, password }: URL): NodeConnectionOptions {
  const [user, pass] = [username, password].map(decodeURIComponent) as [string, string];
  return pass === "" ? { token: user } : { user, pass };
}
