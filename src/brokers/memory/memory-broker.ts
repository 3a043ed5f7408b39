import { systemClock, type Clock, type Timer } from "../../base/index.ts";
import {
  type Broker,
  type BrokerTopic,
  LiveError,
  requireWellFormedName,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { MemoryTopic } from "./memory-topic.ts";

/** With fewer topics than this none is forgotten. */
const SWEEP_FROM = 1_000;
const SWEEP_EVERY_MS = 1_000;
/** How often topics that nobody follows drop what has expired, and empty ones go, in milliseconds. */
const EXPIRE_EVERY_MS = 60_000;

export interface MemoryBrokerOptions {
  /** How many topics are kept at most; one more is refused as `unavailable`. Default 100,000. */
  maxTopics?: number;
  /** Where time comes from; for tests. */
  clock?: Clock;
}

/**
 * Keeps topics in the memory of this process: the default, for one server.
 *
 * What it holds ends with the process, or with `close`; a topic's epoch, new each time, says so to
 * every client that comes back. A topic that nobody follows and that keeps nothing is forgotten.
 */
export class MemoryBroker implements Broker {
  readonly #clock: Clock;
  readonly #maxTopics: number;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #id: string = crypto.randomUUID();
  /** Grows when a topic is forgotten that had events: made again, it begins to count again. */
  #generation = 0;
  #sweepAt = SWEEP_FROM;
  #sweptInVainAt: number = Number.NEGATIVE_INFINITY;
  #expiry: Timer | undefined;

  constructor({ clock = systemClock, maxTopics = 100_000 }: MemoryBrokerOptions = {}) {
    this.#clock = clock;
    this.#maxTopics = maxTopics;
  }

  // Async, so that a refusal comes as a rejection.
  // oxlint-disable-next-line typescript/require-await
  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
  ): Promise<BrokerTopic> {
    requireWellFormedName(declaration.name);
    const topic = this.#topics.get(declaration.name) ?? this.#make(declaration);
    return topic.follow(follow);
  }

  close(): Promise<void> {
    this.#expiry?.cancel();
    for (const topic of this.#topics.values()) topic.close();
    this.#topics.clear();
    this.#generation += 1;
    return Promise.resolve();
  }

  #make(declaration: TopicDeclaration): MemoryTopic {
    if (this.#topics.size >= Math.min(this.#sweepAt, this.#maxTopics)) this.#forgetEmptyNow();
    if (this.#topics.size >= this.#maxTopics) {
      const message = `There are ${this.#maxTopics} topics, the limit; raise maxTopics or let some expire.`;
      throw new LiveError("unavailable", message);
    }
    const topic = new MemoryTopic(declaration, this.#epochOf(declaration.name), this.#clock);
    this.#topics.set(declaration.name, topic);
    this.#expiry ??= this.#expireLater();
    return topic;
  }

  /** Of a topic that never had an event it is the same each time, so that nobody misses anything. */
  #epochOf(name: string): string {
    return `${this.#id}.${this.#generation}.${hashOf(name).toString(36)}`;
  }

  #expireLater(): Timer {
    return this.#clock.after(EXPIRE_EVERY_MS, () => {
      this.#forgetEmpty();
      this.#expiry = this.#topics.size > 0 ? this.#expireLater() : undefined;
    });
  }

  /** Not at once again where all were needed: each newcomer would look through all of them. */
  #forgetEmptyNow(): void {
    const now = this.#clock.now();
    if (now - this.#sweptInVainAt < SWEEP_EVERY_MS) return;
    const before = this.#topics.size;
    this.#forgetEmpty();
    if (this.#topics.size === before) this.#sweptInVainAt = now;
  }

  #forgetEmpty(): void {
    for (const [name, topic] of this.#topics) {
      if (!topic.isForgettable) continue;
      if (topic.hasCounted) this.#generation += 1;
      topic.close();
      this.#topics.delete(name);
    }
    this.#sweepAt = Math.max(SWEEP_FROM, this.#topics.size * 2);
  }
}

/** FNV-1a, so that two topics seldom have the same epoch; nothing is lost where they do. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
