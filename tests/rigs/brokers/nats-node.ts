import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NatsBroker, type NatsBrokerOptions } from "../../../src/brokers/nats/index.ts";
import type { NatsServer } from "./nats-server.ts";
import { kept } from "./node.ts";

/** Opens a broker that does not poll, which would hide faults; `options` can enable polling. */
export async function open(url: string, options: NatsBrokerOptions = {}): Promise<NatsBroker> {
  const patient = { longestRetryMs: 100, lookMs: 3_600_000 };
  return kept(await NatsBroker.open({ url, ...patient, ...options }));
}

/** Sends a request to the server with the client library's own functions. */
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
