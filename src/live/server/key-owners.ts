import type { Timer, TimerWheel } from "../../base/index.ts";
import type { Topic } from "../topic.ts";

/** Default of a keyed topic's `leaseMs`. */
const LEASE_MS = 30_000;

/** A connection that keys can live with. */
export interface KeyOwner {
  readonly hasEnded: boolean;
}

/** Who set a key last: a connection, or a request whose lease runs. */
type Ownership = { kind: "connection"; owner: KeyOwner } | { kind: "lease"; lease: Timer };

/**
 * Who last set each key of the topics whose keys live as long as the connection that set them.
 *
 * The newest owner counts: when a device has come back on a new connection, the end of its old
 * one, noticed late, must not remove it.
 */
export class KeyOwners {
  readonly #wheel: TimerWheel;
  readonly #topics = new Map<Topic, Map<string, Ownership>>();
  /** The keys of each connection, so that its end costs what it set and not all there is. */
  readonly #keysOf = new Map<KeyOwner, Map<Topic, Set<string>>>();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** A connection has set `key`. */
  setBy(owner: KeyOwner, topic: Topic, key: string): void {
    if (!livesWithConnection(topic)) return;
    this.release(topic, key);
    // It ended while the broker was still taking the event in.
    if (owner.hasEnded) return this.#remove(topic, key);
    this.#ownershipsOf(topic).set(key, { kind: "connection", owner });
    const keys = this.#keysOf.get(owner) ?? new Map<Topic, Set<string>>();
    this.#keysOf.set(owner, keys);
    const inTopic = keys.get(topic) ?? new Set<string>();
    keys.set(topic, inTopic);
    inTopic.add(key);
  }

  /** A request without a connection has set `key`; it holds it for the topic's lease. */
  lease(topic: Topic, key: string): void {
    if (!livesWithConnection(topic)) return;
    this.release(topic, key);
    const { leaseMs = LEASE_MS } = topic.declaration as { leaseMs?: number };
    const lease = this.#wheel.after(leaseMs, () => this.#remove(topic, key));
    this.#ownershipsOf(topic).set(key, { kind: "lease", lease });
  }

  /** Nobody holds `key` any more; it stays as it is. */
  release(topic: Topic, key: string): void {
    const ownerships = this.#topics.get(topic);
    const present = ownerships?.get(key);
    if (present === undefined) return;
    if (present.kind === "lease") present.lease.cancel();
    else this.#keysOf.get(present.owner)?.get(topic)?.delete(key);
    ownerships?.delete(key);
  }

  /** A connection has ended: what it still holds is removed. */
  end(owner: KeyOwner): void {
    const keys = this.#keysOf.get(owner);
    this.#keysOf.delete(owner);
    if (keys === undefined) return;
    for (const [topic, inTopic] of keys) for (const key of inTopic) this.#remove(topic, key);
  }

  #ownershipsOf(topic: Topic): Map<string, Ownership> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const made = new Map<string, Ownership>();
    this.#topics.set(topic, made);
    return made;
  }

  #remove(topic: Topic, key: string): void {
    this.#topics.get(topic)?.delete(key);
    // A broker that cannot be reached forgets the key by its own lease.
    topic.append({ key, removed: true }).catch(() => {});
  }
}

function livesWithConnection({ declaration }: Topic): boolean {
  return declaration.kind === "keyed" && declaration.keyLifetime === "connection";
}
