import {
  type HeldKey,
  livesWithConnection,
  type Offset,
  type Report,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";
import { inPortions } from "../../../base/index.ts";

/** A connection that keys can live with. */
export interface KeyOwner {
  readonly hasEnded: boolean;
}

/** A key as its owner set it. */
export interface SetKey {
  topic: Topic;
  key: string;
  /** Of the event that set it. */
  offset: Offset;
}

/** What it costs to remove a key, in units of a slice: so about 250 keys are one slice. */
const REMOVE_UNITS = 2_048;

/** How many leases are renewed with one request to the broker. */
const LEASES_AT_ONCE = 1_000;

/** What it costs to renew so many, in units of a slice. */
const RENEW_UNITS = 128 * 1_024;

interface Ownership {
  owner: KeyOwner;
  offset: Offset;
}

/**
 * Which connection last set each key of the topics whose keys live as long as the connection that
 * set them.
 *
 * The log decides who was last: when a device has come back on a new connection, the end of its
 * old one, noticed late, must not remove what the new one set, acknowledged yet or not. Should this
 * server end without a word, the broker removes its keys: their leases are renewed only by it.
 */
export class KeyOwners {
  readonly #report: Report;
  readonly #leaseMs: number;
  readonly #topics = new Map<Topic, Map<string, Ownership>>();
  /** The keys of each connection, so that its end costs what it set and not all there is. */
  readonly #keysOf = new Map<KeyOwner, Map<Topic, Set<string>>>();

  /** @param leaseMs for how long keys outlive a server that renews nothing */
  constructor(report: Report, leaseMs: number) {
    this.#report = report;
    this.#leaseMs = leaseMs;
  }

  /** How many keys live with connections. */
  get keyCount(): number {
    let count = 0;
    for (const ownerships of this.#topics.values()) count += ownerships.size;
    return count;
  }

  /** Forgets who held a key when it is removed, by whomever. */
  onEvent(topic: Topic, { key = "", removed }: TopicEvent): void {
    if (removed) this.release(topic, key);
  }

  /** A topic's log was read anew: nobody holds what is not in it as it was set. */
  onStartedAgain(topic: Topic, isKept: (key: string) => boolean): void {
    for (const key of this.#topics.get(topic)?.keys() ?? []) {
      if (!isKept(key)) this.release(topic, key);
    }
  }

  /** A connection has set a key. */
  setBy(owner: KeyOwner, set: SetKey): void {
    const { topic, key, offset } = set;
    if (!livesWithConnection(topic.declaration) || topic.newest(key)?.offset !== offset) return;
    this.release(topic, key);
    // It ended while the broker was still taking the event in.
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

  /** No connection holds `key` any more; it stays as it is. */
  release(topic: Topic, key: string): void {
    const ownerships = this.#topics.get(topic);
    const present = ownerships?.get(key);
    if (ownerships === undefined || present === undefined) return;
    this.#keysOf.get(present.owner)?.get(topic)?.delete(key);
    ownerships.delete(key);
    if (ownerships.size === 0) this.#topics.delete(topic);
  }

  /** A connection has ended: what it set last is removed. */
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

  /** This server lives, and so do the keys of its connections. */
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

  /** Unless another connection has set it meanwhile. */
  #removeOf(owner: KeyOwner, topic: Topic, key: string): void {
    const ownership = this.#topics.get(topic)?.get(key);
    if (ownership?.owner !== owner) return;
    this.release(topic, key);
    remove({ topic, key, offset: ownership.offset });
  }
}

function remove({ topic, key, offset }: SetKey): void {
  // Somebody newer has it, or the broker cannot be reached and the lease will remove it.
  topic.append({ key, removed: true, ifNewest: offset }).catch(() => {});
}
