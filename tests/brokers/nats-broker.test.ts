import { jetstreamManager } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect } from "vitest";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import type { Broker } from "../../src/live/index.ts";
import { stopEngines } from "./engine-process.ts";
import { describeBroker, type BrokerUnderTest } from "./broker-contract.ts";
import { raw } from "./nats-node.ts";
import { NatsServer } from "./nats-server.ts";
import { forPatterns } from "./of-pattern.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => stopEngines());

async function underTest(wrap: (broker: Broker) => Broker): Promise<BrokerUnderTest> {
  const prefix = crypto.randomUUID();
  const another = async (): Promise<Broker> =>
    wrap(await NatsBroker.open({ url: server.url, prefix }));
  return {
    broker: await another(),
    another,
    kill: (broker) => broker.close(),
    passWindow: () => endWindow(prefix),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    kept: () => kept(prefix),
  };
}

describeBroker("the NATS broker", () => underTest((broker) => broker));
describeBroker("the NATS broker, with topics of a pattern", () => underTest(forPatterns));

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

/** Nobody waits five minutes: what NATS is to forget then is seen to be so, and forgotten now. */
async function endWindow(prefix: string): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });
  const manager = await jetstreamManager(connection);
  const streams = await manager.streams.list().next();
  const own = streams.filter(({ config: { name } }) => name.startsWith(`${prefix}+log+`));
  expect(own.length).toBeGreaterThan(0);
  for (const { config } of own) {
    expect(config.duplicate_window).toBe(nanos(300_000));
    await manager.streams.update(config.name, { duplicate_window: nanos(100) });
  }
  await new Promise((resolve) => setTimeout(resolve, 250));
  await connection.close();
}
