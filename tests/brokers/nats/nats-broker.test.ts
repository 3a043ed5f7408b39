import { afterAll, beforeAll } from "vitest";
import { NatsBroker } from "../../../src/brokers/nats/index.ts";
import type { Broker } from "../../../src/live/index.ts";
import { stopEngines } from "../../rigs/brokers/engine-process.ts";
import { describeBroker, type BrokerUnderTest } from "../../rigs/brokers/broker-contract.ts";
import { raw } from "../../rigs/brokers/nats-node.ts";
import { NatsServer } from "../../rigs/brokers/nats-server.ts";
import { forPatterns } from "../../rigs/brokers/of-pattern.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => stopEngines());

/** Nobody waits five minutes, and no test takes so long between an append and its repetition. */
const WINDOW_MS = 3_000;

async function underTest(wrap: (broker: Broker) => Broker): Promise<BrokerUnderTest> {
  const prefix = crypto.randomUUID();
  const another = async (): Promise<Broker> =>
    wrap(await NatsBroker.open({ url: server.url, prefix, windowMs: WINDOW_MS }));
  return {
    broker: await another(),
    another,
    kill: (broker) => broker.close(),
    passWindow: () => new Promise((resolve) => setTimeout(resolve, WINDOW_MS + 500)),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    kept: () => kept(prefix),
  };
}

const concurrent = true;
describeBroker("the NATS broker", () => underTest((broker) => broker), { concurrent });
describeBroker("the NATS broker, with topics of a pattern", () => underTest(forPatterns), {
  concurrent,
});

/** Streams, and messages in those that all topics share. */
function kept(prefix: string): Promise<number> {
  return raw(server, async ({ streams }) => {
    let count = 0;
    for await (const { config, state } of streams.list()) {
      if (!config.name.startsWith(`${prefix}+`)) continue;
      count += 1 + (/\+(meta|lease)$/.test(config.name) ? state.messages : 0);
    }
    return count;
  });
}
