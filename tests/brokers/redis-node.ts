import { createClient } from "redis";
import type { LongwireError } from "../../src/base/index.ts";
import { RedisBroker, type RedisBrokerOptions } from "../../src/brokers/redis/index.ts";
import type { BrokerTopic, TopicDeclaration, TopicEvent } from "../../src/live/index.ts";
import { RedisServer } from "./redis-server.ts";

const brokers: RedisBroker[] = [];

/** Ends all that a test has opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  await closeBrokers();
  await RedisServer.stopAll();
}

/** Ends the brokers only. */
export async function closeBrokers(): Promise<void> {
  for (const broker of brokers.splice(0)) await broker.close();
}

/** One that does not look by itself, unless a test is about that: it would make up for faults. */
export async function open(url: string, options: RedisBrokerOptions = {}): Promise<RedisBroker> {
  const patient = { longestRetryMs: 100, lookMs: 3_600_000 };
  const broker = await RedisBroker.open({ url, ...patient, ...options });
  brokers.push(broker);
  return broker;
}

export interface Node {
  topic: BrokerTopic;
  events: TopicEvent[];
  /** How often it was said that the log cannot be continued. */
  losses: number;
}

export async function follow(broker: RedisBroker, declaration: TopicDeclaration): Promise<Node> {
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

export async function raw<Result>(
  url: string,
  act: (client: ReturnType<typeof createClient>) => Promise<Result>,
): Promise<Result> {
  const client = createClient({ url });
  await client.connect();
  try {
    return await act(client as never);
  } finally {
    client.destroy();
  }
}

export const offsets = ({ events }: Node): number[] => events.map(({ offset }) => offset);

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

/** Returns what says whether it has come to an end. */
export function isDone(done: Promise<unknown>): () => boolean {
  let is = false;
  const end = (): void => void (is = true);
  done.then(end, end);
  return () => is;
}
