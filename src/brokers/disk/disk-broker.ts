import { LongwireError, systemClock, type Clock } from "../../base/index.ts";
import {
  type Broker,
  type BrokerTopic,
  LiveError,
  requireWellFormedName,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { DiskTopic, type DiskTopicHost } from "./disk-topic.ts";
import { allTopics, nameOfTopicKey } from "./records.ts";
import { Store } from "./store.ts";
import { UnopenedTopics } from "./unopened-topics.ts";
import { Writer } from "./writer.ts";

export interface DiskBrokerOptions {
  /** The folder that stores the topics and nothing else; created if it does not exist. */
  folder: string;
  /**
   * Whether an append waits until the data is on the disk. With `false`, nothing is lost when the
   * process crashes; when the machine crashes, the last appends may be lost, and every topic gets
   * another epoch. Default true.
   */
  sync?: boolean;
  /**
   * Receives the reason why something could not be written, or the store could not be reopened.
   * Default: errors are ignored.
   */
  onError?: (error: LongwireError) => void;
  /** The most topics to keep; one more is refused with `unavailable`. Default 100,000. */
  maxTopics?: number;
  /** The clock, for tests. */
  clock?: Clock;
}

/**
 * Stores topics in memory and on this machine's disk, for one server that may crash at any time.
 *
 * Everything acknowledged is there after a restart, under the same epoch; see
 * docs/guides/brokers.md.
 */
export class DiskBroker implements Broker {
  /** A folder belongs to one process. */
  readonly isShared = false;
  readonly #maxTopics: number;
  readonly #topicHost: DiskTopicHost;
  /** Topics that are in memory or being loaded. */
  readonly #topics = new Map<string, Promise<DiskTopic>>();
  /** All topics that are stored, or may be. */
  readonly #names: Set<string>;
  readonly #unopened: UnopenedTopics;

  private constructor(options: DiskBrokerOptions, store: Store, names: Set<string>) {
    const { clock = systemClock, maxTopics = 100_000, onError = () => {} } = options;
    this.#maxTopics = maxTopics;
    this.#names = names;
    const writer = new Writer({ store, clock, onError, onLost: () => this.#loseAll() });
    this.#topicHost = { store, writer, clock, onError, onEnded: (topic) => this.#onEnded(topic) };
    const isOpen = (name: string): boolean => this.#topics.has(name);
    this.#unopened = new UnopenedTopics({ topicHost: this.#topicHost, names, isOpen });
  }

  /**
   * Opens the folder exclusively for this process.
   *
   * @throws LongwireError `store_in_use`, `store_not_writable`, `disk_full`, `store_corrupt`,
   *   `store_format`, `store_failed` as a rejection
   */
  static async open(options: DiskBrokerOptions): Promise<DiskBroker> {
    const { folder, sync = true } = options;
    const store = await Store.open({ folder, sync });
    try {
      return new DiskBroker(options, store, await namesIn(store));
    } catch (cause) {
      await store.close();
      throw store.errorOf(cause);
    }
  }

  get isAway(): boolean {
    return this.#topicHost.writer.trouble !== undefined;
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    requireWellFormedName(declaration.name);
    for (;;) {
      const released = this.#unopened.release(declaration.name);
      if (released !== undefined) {
        await released;
        continue;
      }
      const topic = await (this.#topics.get(declaration.name) ?? this.#open(declaration));
      // It may have been released meanwhile.
      if (!topic.hasEnded) return topic.follow(follow, onLost);
    }
  }

  /** Writes all pending changes and releases the folder for other processes. */
  async close(): Promise<void> {
    const { store, writer } = this.#topicHost;
    this.#unopened.close();
    await writer.close();
    await this.#all((topic) => topic.end());
    await store.close();
  }

  #open(declaration: TopicDeclaration): Promise<DiskTopic> {
    const { name } = declaration;
    const { trouble } = this.#topicHost.writer;
    if (trouble !== undefined) throw trouble;
    const isKnown = this.#names.has(name);
    if (!isKnown) this.#checkRoom();
    this.#names.add(name);
    const opening = DiskTopic.open(declaration, this.#topicHost).catch((error: unknown) => {
      if (this.#topics.get(name) === opening) this.#topics.delete(name);
      if (!isKnown) this.#names.delete(name);
      throw this.#explained(error);
    });
    this.#topics.set(name, opening);
    return opening;
  }

  /** Maps errors of the store to `unavailable`, because it may be readable later. */
  #explained(cause: unknown): unknown {
    // A damaged record causes a SyntaxError.
    const isOfStore = cause instanceof LongwireError || cause instanceof SyntaxError;
    if (cause instanceof LiveError || !isOfStore) return cause;
    const error = this.#topicHost.store.errorOf(cause);
    if (error.code === "topic_kind") return error;
    this.#topicHost.onError(error);
    return new LiveError("unavailable", error.message);
  }

  #checkRoom(): void {
    if (this.#names.size < this.#maxTopics) return;
    const message = `The broker has ${this.#maxTopics} topics, its limit; raise maxTopics or let some expire.`;
    throw new LiveError("unavailable", message);
  }

  #onEnded({ name, isRecorded }: DiskTopic): void {
    this.#topics.delete(name);
    if (!isRecorded) this.#names.delete(name);
  }

  #loseAll(): void {
    void this.#all((topic) => topic.lose());
  }

  async #all(act: (topic: DiskTopic) => void): Promise<void> {
    const opening = [...this.#topics.values()];
    for (const outcome of await Promise.allSettled(opening)) {
      if (outcome.status === "fulfilled") act(outcome.value);
    }
  }
}

async function namesIn(store: Store): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const page of store.read(allTopics)) {
    for (const [key] of page) names.add(nameOfTopicKey(key));
  }
  return names;
}
