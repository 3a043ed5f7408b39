import {
  type Clock,
  inPortions,
  type MemoryAccount,
  type Timer,
  type TimerWheel,
  wallTimeOf,
} from "../../../base/index.ts";
import {
  ApplicationError,
  type Catalog,
  type HeldKey,
  isStrayPromise,
  jsonOf,
  type Offset,
  presenceOf,
  type PresenceOptions,
  quoted,
  type Report,
  type Topic,
  type TopicEvent,
  topicOfPresence,
} from "../../../topics/index.ts";
import { DEFAULT_GRACE_MS } from "../limits.ts";
import { shownCaller, type Caller } from "../sessions/caller.ts";

/** How many leases are renewed with one request to the broker. */
const LEASES_AT_ONCE = 1_000;

/** The cost of renewing that many, in units of a slice. */
const RENEW_UNITS = 128 * 1_024;

/**
 * An identity with one or more subscriptions to a topic, or that had one within the grace period.
 */
interface Present {
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
  subscriptions: number;
  /** The payer of the presence event. */
  readonly payer: MemoryAccount | undefined;
  /** The grace period, which runs while no subscription is left. */
  leaving: Timer | undefined;
  /** The offset of the presence event; `undefined` until the broker has acknowledged it. */
  offset: Offset | undefined;
}

interface PresenceHost {
  clock: Clock;
  wheel: TimerWheel;
  report: Report;
  /** How long presence outlives a server that stops renewing it, in milliseconds. */
  leaseMs: number;
  /** A function, because the catalog is created after the presence that receives its events. */
  catalog(): Catalog;
}

/**
 * Tracks who is subscribed to topics that have presence.
 *
 * Presence outlives the last subscription by a grace period, so that a reload or a short network
 * failure is invisible to others. It ends with its server through a lease.
 */
export class Presence {
  readonly #host: PresenceHost;
  /** Keyed by the watched topic's name, then by key. */
  readonly #present = new Map<string, Map<string, Present>>();

  constructor(host: PresenceHost) {
    this.#host = host;
  }

  /** Records the start of a subscription. */
  enter(topic: Topic, caller: Caller): void {
    const options = optionsOf(topic);
    if (options === undefined) return;
    const key = keyOf(caller);
    const inTopic = this.#present.get(topic.name) ?? new Map<string, Present>();
    this.#present.set(topic.name, inTopic);
    const known = inTopic.get(key);
    if (known !== undefined) {
      known.leaving?.cancel();
      known.leaving = undefined;
      known.subscriptions += 1;
      return;
    }
    const data = {
      ...this.#describe(topic, options, caller),
      since: Math.floor(wallTimeOf(this.#host.clock)),
    };
    const { payer } = caller.account;
    const present = { key, data, subscriptions: 1, payer, leaving: undefined, offset: undefined };
    inTopic.set(key, present);
    void this.#announce(topic.name, present);
  }

  /** Records the end of a subscription. */
  leave(topic: Topic, caller: Caller): void {
    const options = optionsOf(topic);
    const present = this.#present.get(topic.name)?.get(keyOf(caller));
    if (options === undefined || present === undefined) return;
    present.subscriptions -= 1;
    if (present.subscriptions > 0) return;
    const { graceMs = DEFAULT_GRACE_MS } = options;
    present.leaving = this.#host.wheel.after(graceMs, () => void this.#remove(topic.name, present));
  }

  /**
   * Restores the presence of someone who is here but was removed from the log: by another server
   * that had the same identity, or by a lease that expired while the broker was unreachable.
   */
  onEvent(topic: Topic, { key = "", removed, offset }: TopicEvent): void {
    const watched = topicOfPresence(topic.name);
    if (!removed || watched === undefined) return;
    const present = this.#present.get(watched)?.get(key);
    if (present?.offset !== undefined && present.offset < offset)
      void this.#announce(watched, present);
  }

  /** After a topic's log was reloaded: restores presence that the log no longer has. */
  onStartedAgain(topic: Topic, isKept: (key: string) => boolean): void {
    const watched = topicOfPresence(topic.name);
    if (watched === undefined) return;
    for (const present of this.#present.get(watched)?.values() ?? []) {
      if (present.offset === undefined || isKept(present.key)) continue;
      present.offset = undefined;
      void this.#announce(watched, present);
    }
  }

  /**
   * Renews the leases of everyone present, and announces those whose announcement failed before.
   */
  renewLeases(): void {
    this.#host.catalog().slices.forEach(this, this.#portions(), {
      unitsOf: () => RENEW_UNITS,
      visit: ({ name, keys }) => this.#renew(name, keys),
    });
  }

  *#portions(): Generator<{ name: string; keys: string[] }, void, undefined> {
    for (const [name, inTopic] of this.#present) {
      for (const keys of inPortions(inTopic.keys(), LEASES_AT_ONCE, (key) => key)) {
        yield { name, keys };
      }
    }
  }

  #renew(name: string, keys: readonly string[]): void {
    const held: HeldKey[] = [];
    for (const key of keys) {
      const present = this.#present.get(name)?.get(key);
      if (present?.offset !== undefined) held.push({ key, offset: present.offset });
      else if (present !== undefined) void this.#announce(name, present);
    }
    const topic = this.#host.catalog().get(presenceOf(name));
    if (held.length > 0) topic?.lease(held, this.#host.leaseMs).catch(this.#host.report);
  }

  async #announce(name: string, present: Present): Promise<void> {
    try {
      const topic = await this.#companion(name, present);
      const { key, data } = present;
      const { offset } = await topic.append({ key, data, leaseMs: this.#host.leaseMs });
      present.offset = offset;
      // The last subscription ended before the broker acknowledged the event.
      if (this.#present.get(name)?.get(key) !== present) await this.#retract(name, present);
    } catch (error) {
      this.#host.report(error);
    }
  }

  async #remove(name: string, present: Present): Promise<void> {
    const inTopic = this.#present.get(name);
    inTopic?.delete(present.key);
    if (inTopic?.size === 0) this.#present.delete(name);
    if (present.offset !== undefined) await this.#retract(name, present);
  }

  async #retract(name: string, present: Present): Promise<void> {
    const { key, offset } = present;
    try {
      const topic = await this.#companion(name, present);
      if (offset !== undefined) await topic.append({ key, removed: true, ifNewest: offset });
    } catch {
      // Another server has the same identity, or the broker is unreachable and the lease removes
      // it.
    }
  }

  #companion(name: string, { payer }: Present): Topic | Promise<Topic> {
    const catalog = this.#host.catalog();
    const entry = catalog.find(presenceOf(name));
    if (entry === undefined) throw new Error(`${name} has no presence`);
    return catalog.open(entry, payer);
  }

  /** If `describe` fails, its fields are left out: presence is announced all the same. */
  #describe(
    { declaration }: Topic,
    options: PresenceOptions,
    caller: Caller,
  ): Readonly<Record<string, unknown>> {
    try {
      const described: unknown = options.describe?.(caller.identity);
      if (isStrayPromise(described)) throw new Error("It returned a promise; return an object");
      const data = { ...(described as object | undefined) };
      jsonOf(data, "description");
      return data;
    } catch (error) {
      const name = `presence.describe of the topic ${quoted(declaration.pattern ?? declaration.name)}`;
      const occasion = `for ${shownCaller(caller)}`;
      this.#host.report(new ApplicationError({ name, occasion }, error));
      return {};
    }
  }
}

function optionsOf({ declaration }: Topic): PresenceOptions | undefined {
  const { presence = false } = declaration;
  if (presence === false) return undefined;
  return presence === true ? {} : presence;
}

function keyOf({ identity, connection }: Caller): string {
  return identity?.id ?? connection;
}
