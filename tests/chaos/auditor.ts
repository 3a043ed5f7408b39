import { keyedTopic, logTopic, type Broker, type TopicEvent } from "../../src/live/index.ts";
import type { ChaosNode } from "./chaos-node.ts";
import { KeyedRecord } from "./keyed-record.ts";

/** Knows what the topics are, past every fault. */
export interface Auditor {
  /** The views that `devices` had up to now, at least from when the auditor was opened. */
  devices(): Promise<KeyedRecord>;
  /** Reads what a topic has: all of a log, or the present values of a keyed topic. */
  read(name: string): Promise<TopicEvent[]>;
  close(): Promise<void>;
}

const retention = { maxEvents: 1_000_000, maxBytes: 1e9, maxAgeMs: 3_600_000 };

/** Asks the engine through a broker of its own. */
export async function brokerAuditor(broker: Broker): Promise<Auditor> {
  const record = new KeyedRecord();
  const told: TopicEvent[] = [];
  let follow = (event: TopicEvent): void => void told.push(event);
  const devices = await broker.openTopic(
    keyedTopic("devices", { retention }),
    (event) => follow(event),
    () => record.fail("the broker lost the topic"),
  );
  record.open(devices, told);
  follow = (event) => record.add(event);
  return {
    devices: async () => {
      await devices.catchUp();
      return record;
    },
    read: async (name) => {
      const events: TopicEvent[] = [];
      const declare = name === "news" ? logTopic : keyedTopic;
      const declaration = declare(name, { retention });
      const topic = await broker.openTopic(declaration, (event) => events.push(event));
      await topic.close();
      return events.filter(({ removed }) => !removed);
    },
    close: () => broker.close(),
  };
}

/** Asks the one node that has the topics in its own process. */
export function nodeAuditor(node: ChaosNode): Auditor {
  return {
    devices: async () => {
      // The answer comes after everything that the node reported before.
      await node.read("devices");
      return node.devices;
    },
    read: async (name) => (await node.read(name)).filter(({ removed }) => !removed),
    close: () => Promise.resolve(),
  };
}
