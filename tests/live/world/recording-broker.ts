import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import type { Broker, BrokerTopic, TopicDeclaration, TopicEvent } from "../../../src/live/index.ts";
import { defaultRetention } from "../../../src/topics/index.ts";
import type { Clock } from "../../../src/base/index.ts";
import { Truth } from "../../rigs/live/truth.ts";

/** All events of each epoch of each topic, including epochs that have ended. */
export class Records {
  readonly #byEpoch = new Map<string, { topic: string; epoch: string; truth: Truth }>();
  readonly #present = new Map<string, string>();

  begin(topic: string, epoch: string, truth: Truth): void {
    this.#byEpoch.set(epoch, { topic, epoch, truth });
    this.#present.set(topic, epoch);
  }

  /** The truth of a topic's epoch; by default of the present one. */
  of(topic: string, epoch = this.#present.get(topic) ?? ""): Truth {
    return this.#byEpoch.get(epoch)?.truth ?? new Truth();
  }

  presentEpoch(topic: string): string | undefined {
    return this.#present.get(topic);
  }

  /** Where the event with this number is: in at most one place of an epoch. */
  find(topic: string, n: number): { epoch: string; event: TopicEvent }[] {
    return [...this.#byEpoch.values()].flatMap((record) =>
      record.topic === topic
        ? record.truth.events
            .filter((event) => (event.data as { n?: number } | null)?.n === n)
            .map((event) => ({ epoch: record.epoch, event }))
        : [],
    );
  }

  /** No topic is what it was: its broker has lost everything. */
  forgetPresent(): void {
    this.#present.clear();
  }
}

/** A memory broker that tells what it is told. */
export class RecordingBroker implements Broker {
  readonly #clock: Clock;
  readonly #broker: MemoryBroker;
  readonly #records: Records;
  readonly #recorded = new Set<string>();

  constructor(clock: Clock, records: Records) {
    this.#clock = clock;
    this.#broker = new MemoryBroker({ clock });
    this.#records = records;
    records.forgetPresent();
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
  ): Promise<BrokerTopic> {
    const { name } = declaration;
    if (!this.#recorded.has(name)) {
      this.#recorded.add(name);
      const truth = new Truth();
      const opened = await this.#broker.openTopic(declaration, (event) => truth.record(event));
      const retention = { ...defaultRetention, ...declaration.retention };
      truth.keeping = { retention, now: () => opened.now?.() ?? this.#clock.now() };
      this.#records.begin(name, opened.epoch, truth);
    }
    return this.#broker.openTopic(declaration, follow);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}
