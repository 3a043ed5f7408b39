import { LongwireError } from "../base/index.ts";
import type { Broker } from "../topics/index.ts";
import { MemoryBroker } from "./memory/index.ts";

/** Where to store topics: at most one of the two; if both are absent, in memory. */
export interface BrokerPlace {
  /** The URL of a broker: `redis[s]:`, `redis[s]+cluster:`, `nats:` or `tls:`; see docs/guides/brokers.md. */
  broker?: string | undefined;
  /** A folder on this machine's disk. */
  data?: string | undefined;
  /**
   * Receives later losses of the broker, repeated causes once. Default: one line on standard error.
   */
  onError?: (error: LongwireError) => void;
}

type Report = (error: LongwireError) => void;

/**
 * Opens a broker by URL, or one that stores topics in a folder; without either, in memory. The npm
 * package that it needs is loaded only then.
 *
 * Messages never contain the URL, because it may hold a password.
 *
 * @throws LongwireError `bad_option`, `missing_package`, `broker_unreachable`, and those of
 *   `DiskBroker.open`, as a rejection
 */
export async function openBroker(place: BrokerPlace = {}): Promise<Broker> {
  const { broker: url, data } = place;
  const onError = once(place.onError ?? log);
  if (data !== undefined) {
    if (url === undefined) return openDisk(data, onError);
    const message = "Both data and broker (or LONGWIRE_BROKER) are given; give only one.";
    throw new LongwireError("bad_option", message);
  }
  if (url === undefined) return new MemoryBroker();
  // Not parsed as a URL, because a cluster's URL has several hosts with commas between them.
  const scheme = /^[a-z+]+(?=:\/\/)/.exec(url)?.[0] ?? "";
  if (/^rediss?(\+cluster)?$/.test(scheme)) return openRedis(url, onError);
  if (scheme === "nats" || scheme === "tls") return openNats(url, onError);
  const message =
    "broker is not the URL of a broker; give one such as redis://127.0.0.1:6379 or nats://127.0.0.1:4222.";
  throw new LongwireError("bad_option", message);
}

async function openDisk(folder: string, onError: Report): Promise<Broker> {
  const { DiskBroker } = await import("./disk/index.ts").catch((cause: unknown) => {
    throw explained(cause, "classic-level");
  });
  return DiskBroker.open({ folder, onError });
}

async function openRedis(url: string, onError: Report): Promise<Broker> {
  // Imported on demand, because only users of this broker have installed its package.
  const { RedisBroker } = await import("./redis/index.ts").catch((cause: unknown) => {
    throw explained(cause, "redis");
  });
  return RedisBroker.open({ url, onError });
}

async function openNats(url: string, onError: Report): Promise<Broker> {
  const [{ natsOptionsOf }, { NatsBroker }] = await Promise.all([
    import("./nats/link/nats-url.ts"),
    import("./nats/index.ts"),
  ]).catch((cause: unknown) => {
    throw explained(cause, "@nats-io/transport-node");
  });
  return NatsBroker.open({ ...natsOptionsOf(url), onError });
}

function explained(cause: unknown, name: string): unknown {
  const { code, message: text } = cause as { code?: unknown; message?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND" || !String(text).includes(`'${name}'`)) return cause;
  const message = `This broker needs the package ${name}, which is not installed; run npm install ${name}.`;
  return new LongwireError("missing_package", message, { cause });
}

/** Suppresses repeats of the last error. */
function once(report: Report): Report {
  let lastMessage = "";
  return (error) => {
    if (error.message === lastMessage) return;
    lastMessage = error.message;
    report(error);
  };
}

function log({ message }: LongwireError): void {
  console.error(`longwire: ${message}`);
}
