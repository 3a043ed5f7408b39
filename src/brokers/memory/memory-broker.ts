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

/** Below this number of topics, none is forgotten. */
const SWEEP_FROM = 1_000;
const SWEEP_EVERY_MS = 1_000;
/**
 * How often topics without followers drop expired events, and empty ones are forgotten, in
 * milliseconds.
 */
const EXPIRE_EVERY_MS = 60_000;

export interface MemoryBrokerOptions {
  /** The most topics to keep; one more is refused with `unavailable`. Default 100,000. */
  maxTopics?: number;
  /** The clock, for tests. */
  clock?: Clock;
}

/**
 * Stores topics in the memory of this process: the default, for one server.
 *
 * Everything is lost when the process ends or on `close`. A topic's epoch is new each time, so
 * clients that reconnect notice. A topic that has no followers and keeps nothing is forgotten.
 */
export class MemoryBroker implements Broker {
  readonly #clock: Clock;
  readonly #maxTopics: number;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #id: string = crypto.randomUUID();
  /**
   * Incremented when a topic that had events is forgotten, because its offsets restart if it is
   * created again.
   */
  #generation = 0;
  #sweepAt = SWEEP_FROM;
  #sweptInVainAt: number = Number.NEGATIVE_INFINITY;
  #expiry: Timer | undefined;

  constructor({ clock = systemClock, maxTopics = 100_000 }: MemoryBrokerOptions = {}) {
    this.#clock = clock;
    this.#maxTopics = maxTopics;
  }

  // Async, so that refusals become rejections.
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
      const message = `The broker has ${this.#maxTopics} topics, its limit; raise maxTopics or let some expire.`;
      throw new LiveError("unavailable", message);
    }
    const topic = new MemoryTopic(declaration, this.#epochOf(declaration.name), this.#clock);
    this.#topics.set(declaration.name, topic);
    this.#expiry ??= this.#expireLater();
    return topic;
  }

  /**
   * For a topic that never had an event, the epoch is always the same, so that nobody misses
   * anything.
   */
  #epochOf(name: string): string {
    return `${this.#id}.${this.#generation}.${hashOf(name).toString(36)}`;
  }

  #expireLater(): Timer {
    return this.#clock.after(EXPIRE_EVERY_MS, () => {
      this.#forgetEmpty();
      this.#expiry = this.#topics.size > 0 ? this.#expireLater() : undefined;
    });
  }

  /**
   * If all topics were in use, waits before checking again, because each new topic would check them
   * all.
   */
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

/** FNV-1a. Two topics may share an epoch without harm; it is merely unlikely. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
