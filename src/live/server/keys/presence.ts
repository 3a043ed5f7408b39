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

/** What it costs to renew so many, in units of a slice. */
const RENEW_UNITS = 128 * 1_024;

/** Somebody who is subscribed to a topic, perhaps more than once, or was until a moment ago. */
interface Present {
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
  subscriptions: number;
  /** Whoever made it necessary to tell of it. */
  readonly payer: MemoryAccount | undefined;
  /** Runs while none is left. */
  leaving: Timer | undefined;
  /** Of the event that says so; `undefined` until the broker has it. */
  offset: Offset | undefined;
}

interface PresenceHost {
  clock: Clock;
  wheel: TimerWheel;
  report: Report;
  /** For how long a presence outlives a server that renews nothing. */
  leaseMs: number;
  /** Asked for late, since it has to tell of its events first. */
  catalog(): Catalog;
}

/**
 * Who is subscribed to the topics that tell.
 *
 * A presence outlives the last subscription by a grace time, so that a reload or a network that
 * was gone for a moment is not seen by the others; and it ends with its server by a lease.
 */
export class Presence {
  readonly #host: PresenceHost;
  /** By the watched topic's name, then by key. */
  readonly #present = new Map<string, Map<string, Present>>();

  constructor(host: PresenceHost) {
    this.#host = host;
  }

  /** A subscription has begun. */
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

  /** A subscription has ended. */
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
   * Somebody has said of a topic's subscribers that one is gone who is here: another server, that
   * had the same one, or a lease that ran out while the broker could not be reached.
   */
  onEvent(topic: Topic, { key = "", removed, offset }: TopicEvent): void {
    const watched = topicOfPresence(topic.name);
    if (!removed || watched === undefined) return;
    const present = this.#present.get(watched)?.get(key);
    if (present?.offset !== undefined && present.offset < offset)
      void this.#announce(watched, present);
  }

  /** A topic's log was read anew, and perhaps does not say who is here. */
  onStartedAgain(topic: Topic, isKept: (key: string) => boolean): void {
    const watched = topicOfPresence(topic.name);
    if (watched === undefined) return;
    for (const present of this.#present.get(watched)?.values() ?? []) {
      if (present.offset === undefined || isKept(present.key)) continue;
      present.offset = undefined;
      void this.#announce(watched, present);
    }
  }

  /** This server lives, and so do those who are here; who could not be told of then is now. */
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
      // It left for good while the broker was still taking it in.
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
      // Another server has the same one, or the broker cannot be reached and the lease will do it.
    }
  }

  #companion(name: string, { payer }: Present): Topic | Promise<Topic> {
    const catalog = this.#host.catalog();
    const entry = catalog.find(presenceOf(name));
    if (entry === undefined) throw new Error(`${name} has no presence`);
    return catalog.open(entry, payer);
  }

  /** What cannot be said of somebody is left out: that they are here is said all the same. */
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
