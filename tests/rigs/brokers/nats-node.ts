import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NatsBroker, type NatsBrokerOptions } from "../../../src/brokers/nats/index.ts";
import type { NatsServer } from "./nats-server.ts";
import { kept } from "./node.ts";

/** One that does not look by itself, unless a test is about that: it would make up for faults. */
export async function open(url: string, options: NatsBrokerOptions = {}): Promise<NatsBroker> {
  const patient = { longestRetryMs: 100, lookMs: 3_600_000 };
  return kept(await NatsBroker.open({ url, ...patient, ...options }));
}

/** Asks the server with the client library's own tools. */
export async function raw<Result>(
  server: NatsServer,
  act: (manager: JetStreamManager, connection: NatsConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });
  try {
    return await act(await jetstreamManager(connection), connection);
  } finally {
    await connection.close();
  }
}
