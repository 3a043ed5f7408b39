import type { Clock, Timer } from "../../base/index.ts";
import { keyedTopic, logTopic, type TopicDeclaration } from "../../topics/index.ts";
import { DiskTopic, type DiskTopicHost } from "./disk-topic.ts";
import { offsetOfKey, readEvent, readLease, TopicKeys, type TopicRecord } from "./records.ts";

/** How often some of them are looked at, and in how many parts all are. */
const LOOK_EVERY_MS = 60_000;
const PARTS = 60;
/** No part is smaller. */
const MIN_PART = 100;

interface UnopenedTopicsHost {
  topicHost: DiskTopicHost;
  /** All that are kept. */
  names: Set<string>;
  isOpen: (name: string) => boolean;
}

/**
 * Deletes what has expired of topics that nobody opens any more, and forgets those that keep
 * nothing: names that come from a pattern are used once and never again.
 *
 * Such a topic is opened and let go of, one at a time; whoever asks for it meanwhile waits.
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

  /** Resolves when nothing more is done with the topic; `undefined` if nothing is. */
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
      // What cannot be read or written now can be so the next time.
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
    // Somebody may have come meanwhile.
    if (isOpen(name)) return;
    const done = this.#tidy(declarationOf(name, record)).catch(() => {});
    this.#tidied = { name, done };
    await done;
    this.#tidied = undefined;
  }

  /** Whether its oldest event can go. A keyed topic's values go with their leases, if ever. */
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

/** Only time is known to have passed. */
function declarationOf(name: string, { kind, maxAgeMs }: TopicRecord): TopicDeclaration {
  const all = Number.POSITIVE_INFINITY;
  const retention = { maxAgeMs: maxAgeMs ?? all, maxEvents: all, maxBytes: all };
  return kind === "log" ? logTopic(name, { retention }) : keyedTopic(name, { retention });
}
