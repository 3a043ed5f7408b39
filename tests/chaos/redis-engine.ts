import { RedisBroker } from "../../src/brokers/redis/index.ts";
import { RedisServer } from "../brokers/redis-server.ts";
import type { Engine } from "./engine.ts";

/** Debian's Redis; a durable one has on its disk what it has acknowledged. */
export async function redisEngine({ durable }: { durable: boolean }): Promise<Engine> {
  const server = await RedisServer.start({ durable });
  return {
    name: "redis",
    servers: [server],
    url: ([port]) => `redis://127.0.0.1:${port}`,
    open: () => RedisBroker.open({ url: server.url }),
    leader: () => Promise.resolve(server),
    stop: () => server.stop(),
  };
}
