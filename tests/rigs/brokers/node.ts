import type { LongwireError } from "../../../src/base/index.ts";
import type { Broker, BrokerTopic, TopicDeclaration, TopicEvent } from "../../../src/live/index.ts";
import { stopEngines } from "./engine-process.ts";

const brokers: Broker[] = [];

/** Closes everything that a test has opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  await closeBrokers();
  await stopEngines();
}

/** Closes the brokers only. */
export async function closeBrokers(): Promise<void> {
  for (const broker of brokers.splice(0)) await broker.close();
}

/** Registers a broker, so that it is closed with the others. */
export function kept<Opened extends Broker>(broker: Opened): Opened {
  brokers.push(broker);
  return broker;
}

/** A node that follows a topic, with the events and losses that it was notified of. */
export interface Node {
  topic: BrokerTopic;
  events: TopicEvent[];
  /** How often the broker reported that the log cannot be continued. */
  losses: number;
}

export async function follow(broker: Broker, declaration: TopicDeclaration): Promise<Node> {
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

/** Appends, and retries until the event is acknowledged, as a client does. */
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

export const offsets = ({ events }: Node): number[] => events.map(({ offset }) => offset);

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

/** Returns a function that reports whether the promise has settled. */
export function isDone(done: Promise<unknown>): () => boolean {
  let is = false;
  const end = (): void => void (is = true);
  done.then(end, end);
  return () => is;
}
