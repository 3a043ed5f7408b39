import type { Timer, TimerWheel } from "../../base/index.ts";
import { DEFAULT_LEASE_MS } from "../limits.ts";
import type { Offset } from "../position.ts";
import type { Topic } from "../topic.ts";

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

/** Who set a key last, and with which event: a connection, or a request whose lease runs. */
type Ownership =
  | { kind: "connection"; owner: KeyOwner; offset: Offset }
  | { kind: "lease"; lease: Timer; offset: Offset };

/**
 * Who last set each key of the topics whose keys live as long as the connection that set them.
 *
 * The log decides who was last: when a device has come back on a new connection, the end of its
 * old one, noticed late, must not remove what the new one set, acknowledged yet or not.
 */
export class KeyOwners {
  readonly #wheel: TimerWheel;
  readonly #topics = new Map<Topic, Map<string, Ownership>>();
  /** The keys of each connection, so that its end costs what it set and not all there is. */
  readonly #keysOf = new Map<KeyOwner, Map<Topic, Set<string>>>();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Forgets who held a key of `topic` when it is removed, by whomever. */
  watch(topic: Topic): void {
    if (!livesWithConnection(topic)) return;
    topic.listen(({ key = "", removed }) => {
      if (removed) this.#release(topic, key);
    });
  }

  /** A connection has set a key. */
  setBy(owner: KeyOwner, set: SetKey): void {
    const { topic, key, offset } = set;
    if (!livesWithConnection(topic) || !isNewest(set)) return;
    this.#release(topic, key);
    // It ended while the broker was still taking the event in.
    if (owner.hasEnded) return remove(topic, key);
    this.#ownershipsOf(topic).set(key, { kind: "connection", owner, offset });
    const keys = this.#keysOf.get(owner) ?? new Map<Topic, Set<string>>();
    this.#keysOf.set(owner, keys);
    const inTopic = keys.get(topic) ?? new Set<string>();
    keys.set(topic, inTopic);
    inTopic.add(key);
  }

  /** A request without a connection has set a key; it holds it for the topic's lease. */
  lease(set: SetKey): void {
    const { topic, key, offset } = set;
    if (!livesWithConnection(topic) || !isNewest(set)) return;
    this.#release(topic, key);
    const { leaseMs = DEFAULT_LEASE_MS } = topic.declaration as { leaseMs?: number };
    const lease = this.#wheel.after(leaseMs, () => {
      this.#ownershipsOf(topic).delete(key);
      if (isNewest(set)) remove(topic, key);
    });
    this.#ownershipsOf(topic).set(key, { kind: "lease", lease, offset });
  }

  /** A connection has ended: what it set last is removed. */
  end(owner: KeyOwner): void {
    const keys = this.#keysOf.get(owner);
    this.#keysOf.delete(owner);
    if (keys === undefined) return;
    for (const [topic, inTopic] of keys) for (const key of inTopic) this.#endKey(topic, key);
  }

  #endKey(topic: Topic, key: string): void {
    const ownerships = this.#ownershipsOf(topic);
    const offset = ownerships.get(key)?.offset;
    ownerships.delete(key);
    if (offset !== undefined && isNewest({ topic, key, offset })) remove(topic, key);
  }

  /** Nobody holds `key` any more; it stays as it is. */
  #release(topic: Topic, key: string): void {
    const ownerships = this.#ownershipsOf(topic);
    const present = ownerships.get(key);
    if (present === undefined) return;
    if (present.kind === "lease") present.lease.cancel();
    else this.#keysOf.get(present.owner)?.get(topic)?.delete(key);
    ownerships.delete(key);
  }

  #ownershipsOf(topic: Topic): Map<string, Ownership> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const made = new Map<string, Ownership>();
    this.#topics.set(topic, made);
    return made;
  }
}

function livesWithConnection({ declaration }: Topic): boolean {
  return declaration.kind === "keyed" && declaration.keyLifetime === "connection";
}

/** Whether nobody has set or removed the key since. */
function isNewest({ topic, key, offset }: SetKey): boolean {
  return topic.newest(key)?.offset === offset;
}

function remove(topic: Topic, key: string): void {
  // A broker that cannot be reached forgets the key by its own lease.
  topic.append({ key, removed: true }).catch(() => {});
}
