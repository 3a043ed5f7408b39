import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { LongwireError } from "../../src/base/index.ts";
import { NatsBroker, type NatsBrokerOptions } from "../../src/brokers/nats/index.ts";
import type { BrokerTopic, TopicDeclaration, TopicEvent } from "../../src/live/index.ts";
import { NatsServer } from "./nats-server.ts";

const brokers: NatsBroker[] = [];

/** Ends all that a test has opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const broker of brokers.splice(0)) await broker.close();
  await NatsServer.stopAll();
}

/** One that does not look by itself, unless a test is about that: it would make up for faults. */
export async function open(url: string, options: NatsBrokerOptions = {}): Promise<NatsBroker> {
  const patient = { longestRetryMs: 100, lookMs: 3_600_000 };
  const broker = await NatsBroker.open({ url, ...patient, ...options });
  brokers.push(broker);
  return broker;
}

export interface Node {
  topic: BrokerTopic;
  events: TopicEvent[];
  /** How often it was said that the log cannot be continued. */
  losses: number;
}

export async function follow(broker: NatsBroker, declaration: TopicDeclaration): Promise<Node> {
  const node = { events: [] as TopicEvent[], losses: 0 } as Node;
  node.topic = await broker.openTopic(
    declaration,
    (event) => node.events.push(event),
    () => (node.losses += 1),
  );
  return node;
}

export async function append(topic: BrokerTopic, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await topic.append({ data: n });
}

/** Appends until it is taken, as a client does. */
export async function appendAgain(topic: BrokerTopic, draft: object): Promise<object> {
  for (;;) {
    try {
      return await topic.append(draft);
    } catch (error) {
      if ((error as LongwireError).code !== "unavailable") throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
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

export const offsets = ({ events }: Node): number[] => events.map(({ offset }) => offset);

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);
