import {
  type HeldKey,
  livesWithConnection,
  type Offset,
  type Report,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";
import { inPortions } from "../../../base/index.ts";

/** A connection that can own keys. */
export interface KeyOwner {
  readonly hasEnded: boolean;
}

/** A key as its owner set it. */
export interface SetKey {
  topic: Topic;
  key: string;
  /** The offset of the event that set it. */
  offset: Offset;
}

/** The cost of removing a key, in units of a slice: about 250 removals fill one slice. */
const REMOVE_UNITS = 2_048;

/** How many leases are renewed with one request to the broker. */
const LEASES_AT_ONCE = 1_000;

/** The cost of renewing that many, in units of a slice. */
const RENEW_UNITS = 128 * 1_024;

interface Ownership {
  owner: KeyOwner;
  offset: Offset;
}

/**
 * Tracks which connection last set each key of topics with `keyLifetime: "connection"`.
 *
 * The log decides who was last. When a device has reconnected, the late end of its old connection
 * must not remove what the new one set, whether that is acknowledged yet or not. If this server
 * crashes, the broker removes its keys, because nobody renews their leases.
 */
export class KeyOwners {
  readonly #report: Report;
  readonly #leaseMs: number;
  readonly #topics = new Map<Topic, Map<string, Ownership>>();
  /** The keys of each connection, so that its end costs in proportion to what it set. */
  readonly #keysOf = new Map<KeyOwner, Map<Topic, Set<string>>>();

  /** @param leaseMs how long keys outlive a server that stops renewing them, in milliseconds */
  constructor(report: Report, leaseMs: number) {
    this.#report = report;
    this.#leaseMs = leaseMs;
  }

  /** The number of keys that are owned by connections. */
  get keyCount(): number {
    let count = 0;
    for (const ownerships of this.#topics.values()) count += ownerships.size;
    return count;
  }

  /** Forgets the owner of a key that was removed, by anyone. */
  onEvent(topic: Topic, { key = "", removed }: TopicEvent): void {
    if (removed) this.release(topic, key);
  }

  /**
   * After a topic's log was reloaded: drops ownership of keys that the log no longer has as they
   * were set.
   */
  onStartedAgain(topic: Topic, isKept: (key: string) => boolean): void {
    for (const key of this.#topics.get(topic)?.keys() ?? []) {
      if (!isKept(key)) this.release(topic, key);
    }
  }

  /** Records that a connection has set a key. */
  setBy(owner: KeyOwner, set: SetKey): void {
    const { topic, key, offset } = set;
    if (!livesWithConnection(topic.declaration) || topic.newest(key)?.offset !== offset) return;
    this.release(topic, key);
    // The connection ended before the broker acknowledged the event.
    if (owner.hasEnded) return remove(set);
    const ownerships = this.#topics.get(topic) ?? new Map<string, Ownership>();
    this.#topics.set(topic, ownerships);
    ownerships.set(key, { owner, offset });
    const keys = this.#keysOf.get(owner) ?? new Map<Topic, Set<string>>();
    this.#keysOf.set(owner, keys);
    const inTopic = keys.get(topic) ?? new Set<string>();
    keys.set(topic, inTopic);
    inTopic.add(key);
  }

  /** Drops the ownership of `key`; its value stays. */
  release(topic: Topic, key: string): void {
    const ownerships = this.#topics.get(topic);
    const present = ownerships?.get(key);
    if (ownerships === undefined || present === undefined) return;
    this.#keysOf.get(present.owner)?.get(topic)?.delete(key);
    ownerships.delete(key);
    if (ownerships.size === 0) this.#topics.delete(topic);
  }

  /** Removes the keys that an ended connection was the last to set. */
  end(owner: KeyOwner): void {
    const keys = this.#keysOf.get(owner);
    this.#keysOf.delete(owner);
    if (keys === undefined) return;
    for (const [topic, inTopic] of keys) {
      topic.slices.forEach(owner, inTopic, {
        unitsOf: () => REMOVE_UNITS,
        visit: (key) => this.#removeOf(owner, topic, key),
        mustFinish: true,
      });
    }
  }

  /** Renews the leases of all keys that connections of this server own. */
  renewLeases(): void {
    const [topic] = this.#topics.keys();
    topic?.slices.forEach(this, this.#portions(), {
      unitsOf: () => RENEW_UNITS,
      visit: (portion) => {
        portion.topic.lease(portion.held, this.#leaseMs).catch(this.#report);
      },
    });
  }

  *#portions(): Generator<{ topic: Topic; held: HeldKey[] }, void, undefined> {
    for (const [topic, ownerships] of this.#topics) {
      const keys = inPortions(ownerships, LEASES_AT_ONCE, ([key, { offset }]) => ({ key, offset }));
      for (const held of keys) yield { topic, held };
    }
  }

  /** Does nothing if another connection has set the key meanwhile. */
  #removeOf(owner: KeyOwner, topic: Topic, key: string): void {
    const ownership = this.#topics.get(topic)?.get(key);
    if (ownership?.owner !== owner) return;
    this.release(topic, key);
    remove({ topic, key, offset: ownership.offset });
  }
}

function remove({ topic, key, offset }: SetKey): void {
  // A newer value won, or the broker is unreachable and the lease removes the key.
  topic.append({ key, removed: true, ifNewest: offset }).catch(() => {});
}
