import { createClient } from "redis";
import { afterAll, beforeAll, expect } from "vitest";
import { RedisBroker } from "../../../src/brokers/redis/index.ts";
import type { Broker } from "../../../src/live/index.ts";
import { stopEngines } from "../../rigs/brokers/engine-process.ts";
import { describeBroker, type BrokerUnderTest } from "../../rigs/brokers/broker-contract.ts";
import { raw } from "../../rigs/brokers/redis-node.ts";
import { RedisServer } from "../../rigs/brokers/redis-server.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => stopEngines());

async function underTest(): Promise<BrokerUnderTest> {
  const prefix = crypto.randomUUID();
  const another = (): Promise<Broker> => RedisBroker.open({ url: server.url, prefix });
  return {
    broker: await another(),
    another,
    kill: (broker) => broker.close(),
    passWindow: () => endWindow(prefix),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    kept: () => raw(server.url, async (client) => (await client.keys(`{${prefix}:*`)).length),
  };
}

describeBroker("the Redis broker", underTest, { concurrent: true });

/** Nobody waits five minutes: what Redis is to forget then is seen to be so, and forgotten now. */
async function endWindow(prefix: string): Promise<void> {
  const client = await createClient({ url: server.url }).connect();
  const keys = await client.keys(`{${prefix}:*}:once:*`);
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) {
    const leftMs = await client.pTTL(key);
    expect(leftMs).toBeGreaterThan(240_000);
    expect(leftMs).toBeLessThanOrEqual(300_000);
    await client.del(key);
  }
  client.destroy();
}
