import { systemClock, type Clock, type Timer } from "../../base/index.ts";
import {
  type Broker,
  type BrokerTopic,
  requireWellFormedName,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { ClusterLink } from "./cluster-link.ts";
import { Installation } from "./installation.ts";
import type { Link, LinkHandler } from "./link.ts";
import { evictionErrors } from "./memory-policy.ts";
import { RedisLink } from "./redis-link.ts";
import { checkOptions, type RedisBrokerOptions } from "./redis-options.ts";
import { RedisTopic } from "./redis-topic.ts";
import { clusterRoots } from "./redis-url.ts";
import { topicTag } from "./topic-keys.ts";

/** In how many parts the topics are looked at. */
const PARTS = 10;

interface Followed {
  topic: RedisTopic;
  /** Resolves when notifications of it come. */
  subscribed: Promise<void>;
}

/**
 * Keeps topics in Redis 7, for any number of servers.
 *
 * What it holds lives as long as Redis keeps it: see docs/guides/brokers.md for what that takes.
 */
export class RedisBroker implements Broker {
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #lookMs: number;
  /** By what their keys begin with, which is their channel too. */
  readonly #followed = new Map<string, Followed>();
  #link: Link | undefined;
  #installation: Installation | undefined;
  #timer: Timer | undefined;
  /** Those that are still to be looked at in this round. */
  #toLookAt: RedisTopic[] = [];

  private constructor({ prefix, clock, lookMs }: RedisBrokerOptions) {
    this.#prefix = prefix ?? "longwire";
    this.#clock = clock ?? systemClock;
    this.#lookMs = lookMs ?? 10_000;
  }

  /**
   * Connects to Redis, or to all servers of a Redis Cluster.
   *
   * @throws LongwireError `broker_unreachable`, `invalid_option` as a rejection
   */
  static async open(options: RedisBrokerOptions = {}): Promise<RedisBroker> {
    checkOptions(options);
    const broker = new RedisBroker(options);
    const roots = clusterRoots(options.url);
    const handler: LinkHandler = {
      onNotified: (channel, text) => broker.#followed.get(channel)?.topic.onNotified(text),
      onBack: (channels) => broker.#each(channels, (topic) => topic.look()),
      onLost: (channels) => broker.#each(channels, (topic) => topic.onDisconnected()),
    };
    broker.#link = await (roots === undefined
      ? RedisLink.open(options, handler)
      : ClusterLink.open(options, roots, handler));
    broker.#installation = new Installation(broker.#link, broker.#prefix);
    // In a cluster it may be that its shard cannot be reached later. If it cannot now, topics say so.
    await broker.#installation.read().catch(() => {});
    for (const error of await evictionErrors(broker.#link)) options.onError?.(error);
    broker.#refreshNow();
    return broker;
  }

  get isAway(): boolean {
    return this.#link?.isAway ?? true;
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    requireWellFormedName(declaration.name);
    const tag = topicTag(this.#prefix, declaration.name);
    let followed = this.#followed.get(tag);
    if (followed === undefined) {
      followed = this.#follow(declaration, tag);
      this.#followed.set(tag, followed);
    }
    const { topic, subscribed } = followed;
    return topic.join(subscribed, follow, onLost);
  }

  close(): Promise<void> {
    this.#timer?.cancel();
    this.#each(this.#followed.keys(), (topic) => topic.close());
    this.#link?.close();
    return Promise.resolve();
  }

  #follow(declaration: TopicDeclaration, tag: string): Followed {
    const link = this.#link!;
    const topic = new RedisTopic(declaration, {
      link,
      installation: this.#installation!,
      clock: this.#clock,
      tag,
      onUnused: () => {
        if (this.#followed.get(tag)?.topic !== topic) return;
        this.#followed.delete(tag);
        link.unsubscribe(tag);
      },
    });
    return { topic, subscribed: link.subscribe(tag) };
  }

  /** A part of them each time, so that many topics are no burst. */
  #refreshNow(): void {
    this.#timer = this.#clock.after(this.#lookMs / PARTS, () => this.#refreshNow());
    if (this.#toLookAt.length === 0) {
      this.#toLookAt = [...this.#followed.values()].map(({ topic }) => topic);
    }
    const part = Math.ceil(this.#followed.size / PARTS);
    for (const topic of this.#toLookAt.splice(0, part)) topic.look();
  }

  #each(channels: Iterable<string>, act: (topic: RedisTopic) => void): void {
    for (const channel of channels) {
      const followed = this.#followed.get(channel);
      if (followed !== undefined) act(followed.topic);
    }
  }
}
