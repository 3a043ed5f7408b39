import { createClient } from "redis";
import { RedisBroker, type RedisBrokerOptions } from "../../../src/brokers/redis/index.ts";
import { kept } from "./node.ts";

/** One that does not look by itself, unless a test is about that: it would make up for faults. */
export async function open(url: string, options: RedisBrokerOptions = {}): Promise<RedisBroker> {
  const patient = { longestRetryMs: 100, lookMs: 3_600_000 };
  return kept(await RedisBroker.open({ url, ...patient, ...options }));
}

/** Asks the server with the client library's own tools. */
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
