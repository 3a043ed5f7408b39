import {
  type Clock,
  type MemoryAccount,
  type Timer,
  type TimerWheel,
  shown,
  wallTimeOf,
} from "../../../base/index.ts";
import {
  ApplicationError,
  type Catalog,
  type EventDraft,
  isStrayPromise,
  jsonOf,
  LiveError,
  parsed,
  presenceOf,
  type PresenceOptions,
  quoted,
  readValue,
  type Receipt,
  type Report,
  type Topic,
  type TopicDeclaration,
  type TopicEntry,
  type TopicEvent,
  topicOfPresence,
  validate,
} from "../../../topics/index.ts";
import { DEFAULT_GRACE_MS, MAX_PRESENCE_UPDATE } from "../limits.ts";
import { LeasedEntries, renewLeases } from "./leased-entries.ts";
import { heldByRequest, type Release } from "../access/paying.ts";
import { shownCaller, type Caller } from "../sessions/caller.ts";

type Description = Readonly<Record<string, unknown>>;

const NOTHING: Description = {};

/**
 * An identity with one or more subscriptions to a topic, or that had one within the grace period.
 */
interface Present {
  subscriptions: number;
  /** As `describe` returned it; empty if there are no updates to add to it. */
  readonly described: Description;
  /** Refunds what the update costs. */
  release: Release;
  /** The grace period, which runs while no subscription is left. */
  leaving: Timer | undefined;
}

/** The presence of one topic. */
interface Presents {
  readonly present: Map<string, Present>;
  /** Their entries in the topic of presence. */
  readonly entries: LeasedEntries;
}

interface PresenceHost {
  /** Called at the start and the end of each subscription to any topic. */
  readers: { enter(topic: string): void; leave(topic: string): void };
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
  /** By the watched topic's name. */
  readonly #topics = new Map<string, Presents>();

  constructor(host: PresenceHost) {
    this.#host = host;
  }

  /** Records the start of a subscription. */
  enter(topic: Topic, caller: Caller): void {
    this.#host.readers.enter(topic.name);
    const options = optionsOf(topic);
    if (options === undefined) return;
    const key = keyOf(caller);
    const { present, entries } = this.#presentsOf(topic.name, options.data !== undefined);
    const known = present.get(key);
    if (known !== undefined) {
      known.leaving?.cancel();
      known.leaving = undefined;
      known.subscriptions += 1;
      return;
    }
    const since = Math.floor(wallTimeOf(this.#host.clock));
    const data = { ...this.#describe(topic, options, caller), since };
    const described = options.data === undefined ? NOTHING : data;
    present.set(key, { subscriptions: 1, described, release: () => {}, leaving: undefined });
    entries.set(key, data, caller.account.payer);
  }

  /**
   * Replaces the fields that a subscriber reports about itself.
   *
   * @param watched the topic that it is subscribed to
   * @throws LiveError `forbidden`, `bad_request`, `invalid_data`, `too_large`, `rate_limited`,
   *   `unavailable` as a rejection
   */
  async update(watched: TopicEntry, draft: EventDraft, caller: Caller): Promise<Receipt> {
    const { name, declaration } = watched;
    const updates = updateOf(declaration, draft);
    const key = keyOf(caller);
    const presents = this.#topics.get(name);
    const present = presents?.present.get(key);
    if (presents === undefined || present === undefined || present.subscriptions === 0) {
      const message = `You are not subscribed to ${name}; subscribe to it before you update your presence.`;
      throw new LiveError("bad_request", message);
    }
    const { since } = presents.entries.dataOf(key) as { since: number };
    const data = dataOf(present.described, { since, updates });
    // It is kept as long as the presence, which outlives the connection.
    const release = heldByRequest(caller, readValue(jsonOf(data, "update"))!.parsedBytes);
    present.release();
    present.release = release;
    return presents.entries.replace(key, data, caller.account.payer);
  }

  /** Records the end of a subscription. */
  leave(topic: Topic, caller: Caller): void {
    this.#host.readers.leave(topic.name);
    const options = optionsOf(topic);
    const key = keyOf(caller);
    const present = this.#topics.get(topic.name)?.present.get(key);
    if (options === undefined || present === undefined) return;
    present.subscriptions -= 1;
    if (present.subscriptions > 0) return;
    const { graceMs = DEFAULT_GRACE_MS } = options;
    present.leaving = this.#host.wheel.after(graceMs, () => this.#remove(topic.name, key));
  }

  onEvent(topic: Topic, event: TopicEvent): void {
    this.#entriesIn(topic)?.onEvent(event);
  }

  onStartedAgain(topic: Topic, isKept: (key: string) => boolean): void {
    this.#entriesIn(topic)?.onStartedAgain(isKept);
  }

  /** Refunds all updates; the leases end the presence, unless other servers continue it. */
  close(): void {
    for (const { present } of this.#topics.values()) {
      for (const { release } of present.values()) release();
    }
    this.#topics.clear();
  }

  renewLeases(): void {
    renewLeases(this.#entries(), this.#host.catalog());
  }

  *#entries(): Generator<LeasedEntries, void, undefined> {
    for (const { entries } of this.#topics.values()) yield entries;
  }

  #remove(name: string, key: string): void {
    const presents = this.#topics.get(name);
    if (presents === undefined) return;
    const { present, entries } = presents;
    present.get(key)?.release();
    present.delete(key);
    void entries.remove(key);
    if (present.size === 0) this.#topics.delete(name);
  }

  /** Returns the entries in a topic of presence. */
  #entriesIn(topic: Topic): LeasedEntries | undefined {
    const watched = topicOfPresence(topic.name);
    return watched === undefined ? undefined : this.#topics.get(watched)?.entries;
  }

  #presentsOf(name: string, hasUpdates: boolean): Presents {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const { leaseMs, report } = this.#host;
    const entries = new LeasedEntries({
      leaseMs,
      report,
      topic: (payer) => this.#companion(name, payer),
      openTopic: () => this.#host.catalog().get(presenceOf(name)),
      joined: hasUpdates ? joined : undefined,
    });
    const presents = { present: new Map<string, Present>(), entries };
    this.#topics.set(name, presents);
    return presents;
  }

  #companion(name: string, payer: MemoryAccount | undefined): Topic | Promise<Topic> {
    const catalog = this.#host.catalog();
    const entry = catalog.find(presenceOf(name));
    if (entry === undefined) throw new Error(`${name} has no presence`);
    return catalog.open(entry, payer);
  }

  /** If `describe` fails, its fields are left out: presence is announced all the same. */
  #describe({ declaration }: Topic, options: PresenceOptions, caller: Caller): Description {
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

/** @param updates replace fields of the description; their names are shown, to tell them apart */
function dataOf(
  described: Description,
  { since, updates }: { since: number; updates: Description },
): Description {
  const updated = Object.keys(updates);
  return { ...described, ...updates, since, ...(updated.length > 0 && { updated }) };
}

/** Keeps the updates that the identity has made on another server, and its `since`. */
function joined(own: unknown, other: unknown): unknown {
  const { since, updated, ...fields } = other as Description & { since: number };
  // An older server, or a description, may have another `updated`.
  const names = Array.isArray(updated) ? updated.filter((name) => Object.hasOwn(fields, name)) : [];
  const updates = Object.fromEntries(names.map((name: string) => [name, fields[name]]));
  return dataOf(own as Description, { since, updates });
}

/**
 * Returns the fields that a client reports about itself: none if it removes its update.
 *
 * @throws LiveError `forbidden`, `bad_request`, `invalid_data`, `too_large`
 */
function updateOf(
  declaration: TopicDeclaration,
  { key, json = "", removed }: EventDraft,
): Description {
  const { name } = declaration;
  const schema = optionsOf({ declaration })?.data;
  if (schema === undefined) {
    const message = `The presence of ${name} has no updates; the server declares presence.data to allow them.`;
    throw new LiveError("forbidden", message);
  }
  if (key !== undefined) {
    throw new LiveError("bad_request", "Everyone updates their own presence; leave the key out.");
  }
  if (removed === true) return {};
  if (json.length > MAX_PRESENCE_UPDATE) {
    const message = `The update has ${json.length} characters; a presence has room for ${MAX_PRESENCE_UPDATE}.`;
    throw new LiveError("too_large", message);
  }
  const valid = validate(
    schema,
    parsed(readValue(json)!, { name: "data", code: "invalid_data" }),
    () => `The presence.data schema of the topic ${quoted(declaration.pattern ?? name)}`,
  );
  if (valid.kind === "invalid") throw new LiveError("invalid_data", valid.message);
  const { value } = valid;
  if (isObject(value)) return value;
  throw new LiveError("invalid_data", `A presence is an object, not ${shown(value)}.`);
}

function optionsOf({ declaration }: Pick<Topic, "declaration">): PresenceOptions | undefined {
  const { presence = false } = declaration;
  if (presence === false) return undefined;
  return presence === true ? {} : presence;
}

function keyOf({ identity, connection }: Caller): string {
  return identity?.id ?? connection;
}

function isObject(value: unknown): value is Description {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
