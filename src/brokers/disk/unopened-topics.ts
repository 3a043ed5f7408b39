import type { Clock, Timer } from "../../base/index.ts";
import { keyedTopic, logTopic, type TopicDeclaration } from "../../topics/index.ts";
import { DiskTopic, type DiskTopicHost } from "./disk-topic.ts";
import { offsetOfKey, readEvent, readLease, TopicKeys, type TopicRecord } from "./records.ts";

/** The interval of the checks; each checks a part of all topics. */
const LOOK_EVERY_MS = 60_000;
const PARTS = 60;
/** The smallest part. */
const MIN_PART = 100;

interface UnopenedTopicsHost {
  topicHost: DiskTopicHost;
  /** All topics that are stored. */
  names: Set<string>;
  isOpen: (name: string) => boolean;
}

/**
 * Deletes expired data of topics that are no longer opened, and forgets topics that keep nothing,
 * because names of a pattern are often used once and never again.
 *
 * Such a topic is opened and released, one at a time; callers who need it meanwhile wait.
 */
export class UnopenedTopics {
  readonly #host: UnopenedTopicsHost;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #toLookAt: string[] = [];
  #tidied: { name: string; done: Promise<void> } | undefined;

  constructor(host: UnopenedTopicsHost) {
    this.#host = host;
    this.#clock = host.topicHost.clock;
    this.#lookLater();
  }

  /** Resolves when the topic is not being cleaned up; `undefined` if it is not. */
  release(name: string): Promise<void> | undefined {
    return this.#tidied?.name === name ? this.#tidied.done : undefined;
  }

  close(): void {
    this.#timer?.cancel();
    this.#toLookAt = [];
    this.#timer = undefined;
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { names } = this.#host;
    if (this.#toLookAt.length === 0) this.#toLookAt = [...names];
    const part = Math.max(MIN_PART, Math.ceil(names.size / PARTS));
    for (const name of this.#toLookAt.splice(0, part)) {
      if (this.#timer === undefined) return;
      // A topic that cannot be read or written now is tried again later.
      await this.#lookAt(name).catch(() => {});
    }
    if (this.#timer !== undefined) this.#lookLater();
  }

  async #lookAt(name: string): Promise<void> {
    const { topicHost, isOpen } = this.#host;
    const { store } = topicHost;
    if (isOpen(name)) return;
    const keys = new TopicKeys(name);
    const text = await store.get(keys.topic);
    if (text === undefined) return;
    const record = JSON.parse(text) as TopicRecord;
    const [oldest] = await store.first(keys.events);
    if (oldest !== undefined && !(await this.#isOver(oldest, record, keys))) return;
    // The topic may have been opened meanwhile.
    if (isOpen(name)) return;
    const done = this.#tidy(declarationOf(name, record)).catch(() => {});
    this.#tidied = { name, done };
    await done;
    this.#tidied = undefined;
  }

  /** Whether its oldest event has expired. A keyed topic's values expire only with their leases. */
  async #isOver(
    [eventKey, value]: [key: string, value: string],
    { kind, maxAgeMs }: TopicRecord,
    keys: TopicKeys,
  ): Promise<boolean> {
    const now = this.#clock.now();
    const { at, key = "", removed } = readEvent(offsetOfKey(eventKey), value);
    if (kind === "log" || removed) return now - at > (maxAgeMs ?? Number.POSITIVE_INFINITY);
    const leaseKey = keys.lease(key);
    const lease = await this.#host.topicHost.store.get(leaseKey);
    return lease !== undefined && readLease(leaseKey, lease, keys).until <= now;
  }

  #tidy(declaration: TopicDeclaration): Promise<void> {
    const { topicHost, names } = this.#host;
    return new Promise((resolve, reject) => {
      const onEnded = ({ name, isRecorded }: DiskTopic): void => {
        if (!isRecorded) names.delete(name);
        resolve();
      };
      DiskTopic.open(declaration, { ...topicHost, onEnded })
        .then((topic) => topic.follow(() => {}, undefined).close())
        .catch(reject);
    });
  }
}

/** A declaration with the stored retention time; its other limits are unknown. */
function declarationOf(name: string, { kind, maxAgeMs }: TopicRecord): TopicDeclaration {
  const all = Number.POSITIVE_INFINITY;
  const retention = { maxAgeMs: maxAgeMs ?? all, maxEvents: all, maxBytes: all };
  return kind === "log" ? logTopic(name, { retention }) : keyedTopic(name, { retention });
}
