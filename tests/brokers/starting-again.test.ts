import { expect, test } from "vitest";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import {
  keyedTopic,
  LiveError,
  logTopic,
  type Broker,
  type BrokerTopic,
  type EventDraft,
  type TopicDeclaration,
  type TopicEvent,
} from "../../src/live/index.ts";
import { Topic } from "../../src/topics/topic.ts";
import { VirtualClock } from "../rigs/clock/virtual-clock.ts";

/** A broker that can lose what it told, as one of another machine does. */
class LosingBroker implements Broker {
  readonly clock: VirtualClock = new VirtualClock();
  isAway = false;
  opened = 0;
  closed = 0;
  #engine = new MemoryBroker({ clock: this.clock });
  #onLost: (() => void) | undefined;

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    if (this.isAway) throw new LiveError("unavailable", "away");
    this.opened += 1;
    this.#onLost = onLost;
    const topic = await this.#engine.openTopic(declaration, follow);
    return {
      ...topic,
      close: () => {
        this.closed += 1;
        return topic.close();
      },
    };
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  /** Another log takes the place of the one that is followed, and has these events. */
  async startAgain(declaration: TopicDeclaration, drafts: readonly EventDraft[]): Promise<void> {
    this.#engine = new MemoryBroker({ clock: this.clock });
    const topic = await this.#engine.openTopic(declaration, () => {});
    for (const draft of drafts) await topic.append(draft);
    this.#onLost?.();
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function open(declaration: TopicDeclaration) {
  const broker = new LosingBroker();
  const errors: unknown[] = [];
  const kept: Record<string, boolean>[] = [];
  const topic = await Topic.open(declaration, broker, {
    clock: broker.clock,
    report: (error) => errors.push(error),
    onStartedAgain: (_, isKept) => kept.push({ a: isKept("a"), b: isKept("b") }),
  });
  const heard: string[] = [];
  topic.listen(
    ({ key, json }, replaced) => heard.push(`${key}=${json} (${replaced?.json})`),
    () => heard.push(`ended at ${topic.position.offset}`),
  );
  return { broker, topic, errors, kept, heard };
}

test("a restarted topic has the new log and epoch; listeners are notified of the end of the old log, then of the new log's events", async () => {
  const declaration = keyedTopic("t");
  const { broker, topic, kept, heard } = await open(declaration);
  await topic.append({ key: "a", data: 1 });
  await topic.append({ key: "b", data: 1 });
  const { epoch } = topic.position;
  const reader = { onGrown: () => {}, onEnded: () => heard.push("reader ended") };
  topic.view({}).join({ name: "none" } as never, reader);
  broker.clock.advance(5);
  await broker.startAgain(declaration, [{ key: "a", data: 2 }]);
  expect(topic.position.offset).toBe(1);
  expect(topic.position.epoch).not.toBe(epoch);
  expect(topic.newest("b")).toBeUndefined();
  expect(heard).toEqual([
    "a=1 (undefined)",
    "b=1 (undefined)",
    "ended at 2",
    "reader ended",
    "a=2 (1)",
  ]);
  expect(kept).toEqual([{ a: false, b: false }]);
  expect(topic.viewCount).toBe(0);
  await topic.append({ key: "c", data: 3 });
  expect(heard.at(-1)).toBe("c=3 (undefined)");
});

test("the old log stays readable until the new one is loaded, which is retried with backoff", async () => {
  const declaration = logTopic("t");
  const { broker, topic, errors } = await open(declaration);
  await topic.append({ data: 1 });
  broker.isAway = true;
  await broker.startAgain(declaration, []);
  expect([...topic.events()]).toHaveLength(1);
  expect(errors).toHaveLength(1);
  for (let n = 0; n < 20; n += 1) {
    broker.clock.advance(30_000);
    await settled();
  }
  expect(errors).toHaveLength(21);
  broker.isAway = false;
  broker.clock.advance(30_000);
  await settled();
  expect([...topic.events()]).toEqual([]);
  expect(errors).toHaveLength(21);
});

test("a topic that was closed meanwhile is not reopened", async () => {
  const declaration = logTopic("t");
  const { broker, topic } = await open(declaration);
  broker.isAway = true;
  await broker.startAgain(declaration, []);
  await topic.close();
  broker.isAway = false;
  broker.clock.advance(30_000);
  await settled();
  expect(broker.opened - broker.closed).toBe(0);
});
