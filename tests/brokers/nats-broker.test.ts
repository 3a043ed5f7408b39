import { jetstreamManager } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect } from "vitest";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import type { Broker } from "../../src/live/index.ts";
import { stopEngines } from "./engine-process.ts";
import { describeBroker } from "./broker-contract.ts";
import { NatsServer } from "./nats-server.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => stopEngines());

describeBroker("the NATS broker", async () => {
  const prefix = crypto.randomUUID();
  const another = (): Promise<Broker> => NatsBroker.open({ url: server.url, prefix });
  return {
    broker: await another(),
    another,
    kill: (broker) => broker.close(),
    passWindow: () => endWindow(prefix),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
});

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
