import { LongwireError } from "../base/index.ts";
import { MemoryBroker } from "../brokers/memory/index.ts";
import type { Broker } from "../live/index.ts";

/**
 * Opens the broker that a URL names; without one topics are kept in memory.
 *
 * A URL may hold a password, so no message repeats it.
 *
 * @throws LongwireError `bad_option`, `missing_package`, `broker_unreachable` as a rejection
 */
export async function openBroker(url: string | undefined): Promise<Broker> {
  if (url === undefined) return new MemoryBroker();
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol === "redis:" || protocol === "rediss:") return openRedis(url);
  const message = "--broker is no URL of a broker; give one such as redis://127.0.0.1:6379.";
  throw new LongwireError("bad_option", message);
}

async function openRedis(url: string): Promise<Broker> {
  // Only now: the package that it needs is there for those who asked for it.
  const { RedisBroker } = await import("../brokers/redis/index.ts").catch((cause: unknown) => {
    throw explained(cause, "redis");
  });
  return RedisBroker.open({ url, onError: tellOnce() });
}

function explained(cause: unknown, name: string): unknown {
  const { code, message: text } = cause as { code?: unknown; message?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND" || !String(text).includes(`'${name}'`)) return cause;
  const message = `This broker needs the package ${name}, which is not installed; run npm install ${name}.`;
  return new LongwireError("missing_package", message, { cause });
}

/** Not at every attempt again. */
function tellOnce(): (error: LongwireError) => void {
  let told = "";
  return ({ message }) => {
    if (message === told) return;
    told = message;
    console.error(`longwire: ${message}`);
  };
}
