import { createClient } from "redis";
import { RedisBroker, type RedisBrokerOptions } from "../../../src/brokers/redis/index.ts";
import { kept } from "./node.ts";

/** Opens a broker that does not poll, which would hide faults; `options` can enable polling. */
export async function open(url: string, options: RedisBrokerOptions = {}): Promise<RedisBroker> {
  const patient = { longestRetryMs: 100, lookMs: 3_600_000 };
  return kept(await RedisBroker.open({ url, ...patient, ...options }));
}

/** Sends a request to the server with the client library's own functions. */
export async function raw<Result>(
  url: string,
  act: (client: ReturnType<typeof createClient>) => Promise<Result>,
): Promise<Result> {
  const client = createClient({ url });
  await client.connect();
  try {
    return await act(client as never);
  } finally {
    client.destroy();
  }
}
