import { RedisBroker } from "../../src/brokers/redis/index.ts";
import { RedisServer } from "../rigs/brokers/redis-server.ts";
import { brokerAuditor } from "./auditor.ts";
import type { Engine } from "./engine.ts";

/** Debian's Redis; a durable one has on its disk what it has acknowledged. */
export async function redisEngine({ durable }: { durable: boolean }): Promise<Engine> {
  const server = await RedisServer.start({ durable });
  return {
    name: "redis",
    servers: [server],
    nodes: 3,
    location: ([port]) => `redis://127.0.0.1:${port}`,
    audit: async () => brokerAuditor(await RedisBroker.open({ url: server.url })),
    leader: () => Promise.resolve(server),
    loseNode: (node) => node.close(),
    stop: () => server.stop(),
  };
}
