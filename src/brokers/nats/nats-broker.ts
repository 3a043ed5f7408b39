import { systemClock, type Clock, type LongwireError, type Timer } from "../../base/index.ts";
import {
  type Broker,
  type BrokerTopic,
  requireWellFormedName,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { JetStream } from "./link/jetstream.ts";
import { HEARTBEAT_MS, WINDOW_MS } from "./limits.ts";
import { sharedNames, topicNames, type TopicNames } from "./topic/names.ts";
import { NatsLink } from "./link/nats-link.ts";
import { DEFAULT_PREFIX, type NatsBrokerOptions } from "./nats-options.ts";
import { NatsTopic } from "./topic/nats-topic.ts";
import { TopicRecords, type TopicRecord } from "./stream/records.ts";
import { settleStream, sharedStreams, type Placement } from "./stream/streams.ts";

/** The number of portions in which topics are refreshed. */
const PARTS = 10;

/**
 * Stores topics in NATS JetStream, for any number of servers.
 *
 * Topics live as long as NATS keeps them; see docs/guides/brokers.md for what that requires.
 */
export class NatsBroker implements Broker {
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #lookMs: number;
  readonly #timeoutMs: number;
  readonly #windowMs: number;
  readonly #onError: (error: LongwireError) => void;
  readonly #placement: Placement;
  /** By the subject of their records. */
  readonly #topics = new Map<string, NatsTopic>();
  #jetStream: JetStream | undefined;
  #records: TopicRecords | undefined;
  readonly #timers = new Set<Timer>();
  /** Topics to refresh in this round. */
  #toLookAt: NatsTopic[] = [];

  private constructor(options: NatsBrokerOptions) {
    this.#prefix = options.prefix ?? DEFAULT_PREFIX;
    this.#clock = options.clock ?? systemClock;
    this.#lookMs = options.lookMs ?? 10_000;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#windowMs = options.windowMs ?? WINDOW_MS;
    this.#onError = options.onError ?? (() => {});
    this.#placement = { storage: options.storage ?? "file", replicas: options.replicas };
  }

  /**
   * Connects to NATS.
   *
   * @throws LongwireError `broker_unreachable`, `invalid_option` as a rejection
   */
  static async open(options: NatsBrokerOptions = {}): Promise<NatsBroker> {
    const broker = new NatsBroker(options);
    await NatsLink.open(options, {
      prepare: (link) => broker.#prepare(link),
      onBack: () => broker.#all((topic) => topic.look()),
      onLost: () => broker.#all((topic) => topic.onDisconnected()),
    });
    broker.#every(broker.#lookMs / PARTS, () => broker.#lookAtSome());
    broker.#every(HEARTBEAT_MS / 2, () => broker.#all((topic) => topic.checkAlive()));
    return broker;
  }

  get isAway(): boolean {
    return this.#jetStream?.link.isOpen !== true;
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    requireWellFormedName(declaration.name);
    const names = topicNames(this.#prefix, declaration);
    let topic = this.#topics.get(names.record);
    if (topic === undefined) {
      topic = this.#make(declaration, names);
      this.#topics.set(names.record, topic);
    }
    return topic.join(follow, onLost);
  }

  close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#all((topic) => topic.close());
    this.#jetStream?.link.close();
    return Promise.resolve();
  }

  #make(declaration: TopicDeclaration, names: TopicNames): NatsTopic {
    const topic = new NatsTopic(declaration, {
      jetStream: this.#jetStream!,
      records: this.#records!,
      names,
      placement: this.#placement,
      leaseStream: sharedNames(this.#prefix).leases,
      makeStreams: () => this.#makeStreams(),
      timeoutMs: this.#timeoutMs,
      windowMs: this.#windowMs,
      onError: this.#onError,
      onUnused: () => {
        if (this.#topics.get(names.record) === topic) this.#topics.delete(names.record);
      },
    });
    return topic;
  }

  /** Subscribes to the records of topics before any topic is used. */
  async #prepare(link: NatsLink): Promise<void> {
    link.subscribe(`${this.#prefix}.meta.>`, (message) => {
      this.#topics.get(message.subject)?.onRecord(message.json<TopicRecord>().epoch);
    });
    if (this.#jetStream !== undefined) return;
    this.#jetStream = new JetStream(link);
    const { meta, installation } = sharedNames(this.#prefix);
    this.#records = new TopicRecords({
      jetStream: this.#jetStream,
      stream: meta,
      installation,
      makeStreams: () => this.#makeStreams(),
    });
    // Later the streams exist, and there is no need to wait for a cluster without a leader.
    await this.#makeStreams();
    await this.#records.installation();
  }

  /** Creates the shared streams if they do not exist. */
  async #makeStreams(): Promise<void> {
    for (const stream of sharedStreams(this.#prefix, this.#placement)) {
      await settleStream(this.#jetStream!, stream, this.#placement);
    }
  }

  #every(delayMs: number, act: () => void): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#every(delayMs, act);
      act();
    });
    this.#timers.add(timer);
  }

  /** Refreshes one portion at a time, so that many topics do not cause a burst. */
  #lookAtSome(): void {
    if (this.#toLookAt.length === 0) this.#toLookAt = [...this.#topics.values()];
    const part = Math.ceil(this.#topics.size / PARTS);
    for (const topic of this.#toLookAt.splice(0, part)) topic.look();
  }

  #all(act: (topic: NatsTopic) => void): void {
    for (const topic of this.#topics.values()) act(topic);
  }
}
