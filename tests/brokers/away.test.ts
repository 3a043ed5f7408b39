import { afterAll, expect, test } from "vitest";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import { RedisBroker } from "../../src/brokers/redis/index.ts";
import { stopEngines } from "./engine-process.ts";
import { eventually } from "./eventually.ts";
import { NatsServer } from "./nats-server.ts";
import { RedisServer } from "./redis-server.ts";

afterAll(() => stopEngines());

const engines = {
  redis: {
    start: () => RedisServer.start(),
    open: (url: string) => RedisBroker.open({ url, longestRetryMs: 100 }),
  },
  nats: {
    start: () => NatsServer.start(),
    open: (url: string) => NatsBroker.open({ url, longestRetryMs: 100 }),
  },
};

test.each(["redis", "nats"] as const)(
  "a broker on %s is away while its engine is, and not longer",
  async (name) => {
    const { start, open } = engines[name];
    const server = await start();
    const broker = await open(server.url);
    expect(broker.isAway).toBe(false);
    await server.kill();
    await eventually(() => broker.isAway).toBe(true);
    await server.restart();
    await eventually(() => broker.isAway).toBe(false);
    await broker.close();
    expect(broker.isAway).toBe(true);
  },
);
