import { createClient } from "redis";
import { afterAll, beforeAll, expect } from "vitest";
import { RedisBroker } from "../../../../src/brokers/redis/index.ts";
import type { Broker, BrokerTopic, TopicDeclaration } from "../../../../src/live/index.ts";
import { stopEngines } from "../../../rigs/brokers/engine-process.ts";
import { describeBroker, type BrokerUnderTest } from "../../../rigs/brokers/broker-contract.ts";
import { RedisCluster } from "../../../rigs/brokers/redis-cluster.ts";
import { raw } from "../../../rigs/brokers/redis-node.ts";
import { RedisServer } from "../../../rigs/brokers/redis-server.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
});
const shards = new Set<RedisServer>();
afterAll(async () => {
  await stopEngines();
  // Each test has a prefix of its own, so all shards are met.
  expect(shards.size).toBe(3);
});

async function underTest(): Promise<BrokerUnderTest> {
  const prefix = crypto.randomUUID();
  const another = async (): Promise<Broker> =>
    noted(await RedisBroker.open({ url: cluster.url, prefix }), prefix);
  return {
    broker: await another(),
    another,
    kill: (broker) => broker.close(),
    passWindow: () => endWindow(prefix),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    kept: async () => {
      let count = 0;
      for (const { url } of cluster.primaries) {
        count += await raw(url, async (client) => (await client.keys(`{${prefix}:*`)).length);
      }
      return count;
    },
  };
}

describeBroker("the Redis broker on a cluster of three", underTest, { concurrent: true });

/** Notes at which shards topics are. */
function noted(broker: Broker, prefix: string): Broker {
  return {
    openTopic: (declaration: TopicDeclaration, ...rest): Promise<BrokerTopic> => {
      shards.add(cluster.shardOf(declaration.name, prefix));
      return broker.openTopic(declaration, ...rest);
    },
    close: () => broker.close(),
  };
}

/** Nobody waits five minutes: what Redis is to forget then is forgotten now. */
async function endWindow(prefix: string): Promise<void> {
  let count = 0;
  for (const { url } of cluster.primaries) {
    const client = await createClient({ url }).connect();
    const keys = await client.keys(`{${prefix}:*}:once:*`);
    for (const key of keys) count += await client.del(key);
    client.destroy();
  }
  expect(count).toBeGreaterThan(0);
}
