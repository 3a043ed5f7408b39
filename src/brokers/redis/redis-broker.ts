import { systemClock, type Clock, type Timer } from "../../base/index.ts";
import {
  type Broker,
  type BrokerTopic,
  requireWellFormedName,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { ClusterLink } from "./cluster/cluster-link.ts";
import { Installation } from "./installation.ts";
import type { Link, LinkHandler } from "./link/link.ts";
import { evictionErrors } from "./memory-policy.ts";
import { RedisLink } from "./link/redis-link.ts";
import { checkOptions, type RedisBrokerOptions } from "./redis-options.ts";
import { RedisTopic } from "./topic/redis-topic.ts";
import { clusterRoots } from "./link/redis-url.ts";
import { topicTag } from "./topic/topic-keys.ts";

/** The number of portions in which topics are refreshed. */
const PARTS = 10;

interface Followed {
  topic: RedisTopic;
  /** Resolves when its notifications are subscribed to. */
  subscribed: Promise<void>;
}

/**
 * Stores topics in Redis 7, for any number of servers.
 *
 * Topics live as long as Redis keeps them; see docs/guides/brokers.md for what that requires.
 */
export class RedisBroker implements Broker {
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #lookMs: number;
  /** By the prefix of their keys, which is also their channel. */
  readonly #followed = new Map<string, Followed>();
  #link: Link | undefined;
  #installation: Installation | undefined;
  #timer: Timer | undefined;
  /** Topics to refresh in this round. */
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
    // Read now, because its shard of a cluster may be unreachable later. If it fails now, topics
    // report it.
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

  /** Refreshes one portion at a time, so that many topics do not cause a burst. */
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
