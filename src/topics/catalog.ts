import { LongwireError, type MemoryAccount } from "../base/index.ts";
import type { Broker } from "./broker.ts";
import { IDLE_TOPIC_MS, MAX_PRESENT, PRESENCE_REMOVED_MS } from "./limits.ts";
import { OPEN_UNITS } from "./slices/in-turn.ts";
import { checkDeclaration, checkPattern } from "./declaration/check-declaration.ts";
import { LiveError } from "./live-error.ts";
import { NAME_BYTES } from "./memory-costs.ts";
import type { TopicDeclaration } from "./declaration/topic-declaration.ts";
import {
  hasParameters,
  isTopicName,
  readName,
  topicOfPresence,
  type NameParameters,
} from "./declaration/topic-name.ts";
import type { LaneBudget } from "./fan-out/lane-budget.ts";
import type { PageCache } from "./fan-out/page-cache.ts";
import type { SliceQueue } from "./slices/slice-queue.ts";
import { sharedResources, type SharedResources } from "./shared-resources.ts";
import { Topic, type TopicHost } from "./topic.ts";

/** A caller that opened a topic has started to use it after this time. */
const JUST_OPENED_MS = 1_000;

/** The cost of checking one topic, in units of a slice: about 1,000 topics fill one slice. */
const TIDY_UNITS = 512;

/** The topic that a name stands for. */
export interface TopicEntry {
  readonly name: string;
  readonly declaration: TopicDeclaration;
  /** The values of a pattern's parameters in the name. */
  readonly parameters: NameParameters;
  /** The name to authorize against; for presence, that of the watched topic. */
  readonly guardedAs: string;
}

/**
 * The topics of a server. Those declared by name are always open. Those of a pattern are open from
 * their first use until they have been idle for a while.
 */
export class Catalog {
  readonly #named = new Map<string, TopicDeclaration>();
  readonly #patterns: TopicDeclaration[] = [];
  readonly #broker: Broker;
  readonly #host: TopicHost;
  readonly #maxTopics: number;
  readonly #open = new Map<string, Topic>();
  readonly #opening = new Map<string, Promise<Topic>>();
  readonly #namePayers = new Map<string, MemoryAccount>();
  /** Topics of the server's own, which nobody else finds. */
  readonly #private = new Set<Topic>();
  /** Until this time, no topic has been idle for long enough to be closed. */
  #nextLookAt = 0;
  #tidying = { isDone: true };
  /** Unregisters the caches of pages and lanes from the ledger. */
  readonly #dropCaches: () => void;
  readonly #shared: SharedResources;
  /**
   * If set, topics whose opening completes from now on are closed again, because nobody else would.
   */
  #isClosed = false;

  private constructor(broker: Broker, host: TopicHost, maxTopics: number) {
    this.#broker = broker;
    this.#shared = host.shared ?? sharedResources(host.clock);
    this.#host = { ...host, shared: this.#shared };
    const { pages, lanes } = this.#shared;
    const caches = [pages, lanes].map((cache) => host.ledger?.addCache(cache));
    this.#dropCaches = () => caches.forEach((remove) => remove?.());
    this.#maxTopics = maxTopics;
  }

  /**
   * Opens all topics that are declared by name.
   *
   * @throws LongwireError `invalid_topic` as a rejection, and what the broker rejects with
   */
  static async open(
    declarations: readonly TopicDeclaration[],
    broker: Broker,
    { maxTopics, ...host }: TopicHost & { maxTopics: number },
  ): Promise<Catalog> {
    const catalog = new Catalog(broker, host, maxTopics);
    for (const declaration of declarations) catalog.#declare(declaration);
    for (const declaration of catalog.#named.values()) await catalog.#make(declaration);
    return catalog;
  }

  /** Returns the topic that `name` stands for; `undefined` if no declaration matches. */
  find(name: string): TopicEntry | undefined {
    const present = this.#open.get(name);
    const watched = topicOfPresence(name);
    if (watched !== undefined) return this.#findPresence(name, watched);
    const declaration = this.#named.get(name);
    if (declaration !== undefined) return { name, declaration, parameters: {}, guardedAs: name };
    if (present === undefined && !isTopicName(name)) return undefined;
    for (const pattern of this.#patterns) {
      const parameters = readName(pattern.name, name);
      if (parameters === undefined) continue;
      const own = present?.declaration ?? { ...pattern, name, pattern: pattern.name };
      return { name, declaration: own, parameters, guardedAs: name };
    }
    return undefined;
  }

  /** Returns the topic if it is open. */
  get(name: string): Topic | undefined {
    return this.#open.get(name);
  }

  /**
   * Opens a topic, or returns it if it is open.
   *
   * @param payer pays for a pattern's topic while it is open, if this call opens it
   * @throws LiveError `unavailable`, `rate_limited`, and what the broker rejects with, as a
   *   rejection
   */
  open({ name, declaration }: TopicEntry, payer?: MemoryAccount): Topic | Promise<Topic> {
    const known = this.#open.get(name) ?? this.#opening.get(name);
    if (known instanceof Topic) known.touch();
    if (known !== undefined) return known;
    if (payer !== undefined && declaration.pattern !== undefined)
      return this.#openFor(payer, name, declaration);
    return this.#openNow(declaration);
  }

  /**
   * Opens a topic of the server's own. `find` does not know it, and it stays open.
   *
   * @param onStartedAgain see `TopicHost`
   * @throws LiveError what the broker rejects with, as a rejection
   */
  async openPrivate(
    declaration: TopicDeclaration,
    onStartedAgain: TopicHost["onStartedAgain"] = () => {},
  ): Promise<Topic> {
    const { clock, report, ledger } = this.#host;
    const host = { clock, report, ledger, shared: this.#shared, onStartedAgain };
    const topic = await Topic.open(declaration, this.#broker, host);
    this.#private.add(topic);
    return topic;
  }

  #openNow(declaration: TopicDeclaration): Promise<Topic> {
    if (this.#isFull) this.#makeRoom();
    if (this.#isFull) {
      const message = `${this.#maxTopics} topics are open, the limit of this server; try again later.`;
      return Promise.reject(new LiveError("unavailable", message));
    }
    return this.#make(declaration);
  }

  /** A pattern has any number of names, so the client that opens one pays for it. */
  async #openFor(
    payer: MemoryAccount,
    name: string,
    declaration: TopicDeclaration,
  ): Promise<Topic> {
    if (!payer.charge(NAME_BYTES)) {
      const message =
        "Your share of this server's memory is used up by topics that you have opened; end subscriptions, and try again in a minute.";
      throw new LiveError("rate_limited", message);
    }
    this.slices.charge(payer, OPEN_UNITS);
    try {
      const topic = await this.#openNow(declaration);
      this.#namePayers.set(name, payer);
      return topic;
    } catch (error) {
      payer.refund(NAME_BYTES);
      throw error;
    }
  }

  /** All open topics. */
  topics(): IterableIterator<Topic> {
    return this.#open.values();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Runs long work over events, keys or topics in slices. */
  get slices(): SliceQueue {
    return this.#shared.slices;
  }

  /** Cached pages for readers at the same position. */
  get pages(): PageCache {
    return this.#shared.pages;
  }

  /** The memory budget of all lanes. */
  get lanes(): LaneBudget {
    return this.#shared.lanes;
  }

  /** Drops expired events and closes idle topics; in slices, if there are many. */
  tidy(): void {
    if (!this.#tidying.isDone) return;
    for (const topic of this.#private) topic.tidy();
    this.#tidying = this.slices.forEach("tidy", this.#open, {
      unitsOf: () => TIDY_UNITS,
      visit: ([name, topic]) => {
        topic.tidy();
        this.#closeIfIdle(name, topic, IDLE_TOPIC_MS);
      },
    });
  }

  /** Closes all topics. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.slices.close();
    for (const payer of this.#namePayers.values()) payer.refund(NAME_BYTES);
    this.#namePayers.clear();
    this.#dropCaches();
    const closing = [...this.#private, ...this.#open.values()].map((topic) => topic.close());
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === "rejected") this.#host.report(outcome.reason);
    }
  }

  get #isFull(): boolean {
    return this.#open.size + this.#opening.size >= this.#maxTopics;
  }

  /**
   * Closes idle topics. It checks every topic, so it runs at intervals, however many are requested,
   * and checks those beyond the first thousand in later slices.
   */
  #makeRoom(): void {
    const now = this.#host.clock.now();
    if (now < this.#nextLookAt) return;
    this.#nextLookAt = now + JUST_OPENED_MS;
    this.slices.forEach("tidy", this.#open, {
      unitsOf: () => TIDY_UNITS,
      visit: ([name, topic]) => this.#closeIfIdle(name, topic, JUST_OPENED_MS),
    });
  }

  #declare(declaration: TopicDeclaration): void {
    checkDeclaration(declaration);
    const { name } = declaration;
    if (this.#named.has(name) || this.#patterns.some((pattern) => pattern.name === name)) {
      const message = `The topic ${name} is declared twice; declare it once.`;
      throw new LongwireError("invalid_topic", message);
    }
    if (!hasParameters(name)) {
      this.#named.set(name, declaration);
      return;
    }
    const before = this.#patterns.map((pattern) => pattern.name);
    checkPattern(name, before);
    this.#patterns.push(declaration);
  }

  #findPresence(name: string, watched: string): TopicEntry | undefined {
    // Presence has no presence, however often the name repeats the suffix: a client chose its
    // length.
    if (topicOfPresence(watched) !== undefined) return undefined;
    const of = this.find(watched);
    if (of === undefined || (of.declaration.presence ?? false) === false) return undefined;
    const declaration =
      this.#open.get(name)?.declaration ?? presenceDeclaration(of.declaration, name);
    return { name, declaration, parameters: of.parameters, guardedAs: watched };
  }

  async #make(declaration: TopicDeclaration): Promise<Topic> {
    const { name } = declaration;
    const opening = Topic.open(declaration, this.#broker, this.#host);
    this.#opening.set(name, opening);
    try {
      const topic = await opening;
      if (this.#isClosed) {
        topic.close().catch(this.#host.report);
        throw new LiveError("unavailable", "The server is closing; connect to another one.");
      }
      this.#open.set(name, topic);
      return topic;
    } finally {
      this.#opening.delete(name);
    }
  }

  #closeIfIdle(name: string, topic: Topic, idleMs: number): void {
    if (this.#named.has(name) || !topic.isIdleFor(idleMs)) return;
    this.#open.delete(name);
    this.#namePayers.get(name)?.refund(NAME_BYTES);
    this.#namePayers.delete(name);
    topic.close().catch(this.#host.report);
  }
}

/**
 * Declares the presence of `watched`: written by the server, readable by those who may read
 * `watched`.
 */
function presenceDeclaration(watched: TopicDeclaration, name: string): TopicDeclaration {
  return {
    kind: "keyed",
    name,
    ...(watched.pattern !== undefined && { pattern: watched.pattern }),
    maxKeys: MAX_PRESENT,
    // Otherwise each identity would be remembered for an hour after leaving, in every topic it
    // visited.
    retention: { maxAgeMs: PRESENCE_REMOVED_MS },
    keyLifetime: "connection",
    ...(watched.authorize !== undefined && {
      authorize: (...asked) => watched.authorize?.(...asked) ?? false,
    }),
  };
}
