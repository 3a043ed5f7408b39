import type { Receipt } from "../broker.ts";
import type { Position } from "../position.ts";
import type { Topic } from "../topic.ts";
import type { TopicEvent } from "../topic-event.ts";

interface PublishOptions {
  /** A repeated publish with the same key, within five minutes, is in the log once. */
  idempotencyKey?: string;
}

/** A topic in the hands of the server's own code. */
export class TopicHandle {
  readonly #topic: Topic;

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  get name(): string {
    return this.#topic.name;
  }

  get position(): Position {
    return this.#topic.position;
  }

  /**
   * Appends to a log topic.
   *
   * @throws LiveError `invalid_data`, `bad_request` as a rejection
   */
  publish(data: unknown, options: PublishOptions = {}): Promise<Receipt> {
    return this.#topic.append({ data, ...options });
  }

  /**
   * Sets a key of a keyed topic.
   *
   * @throws LiveError `invalid_data`, `bad_request`, `too_large` as a rejection
   */
  set(key: string, data: unknown, options: PublishOptions = {}): Promise<Receipt> {
    return this.#topic.append({ key, data, ...options });
  }

  /** Removes a key of a keyed topic. */
  remove(key: string): Promise<Receipt> {
    return this.#topic.append({ key, removed: true });
  }

  /** A keyed topic's newest value for `key`. */
  get(key: string): unknown {
    const event = this.#topic.newest(key);
    return event === undefined || event.removed ? undefined : event.data;
  }

  /** The retained events, oldest first; of a keyed topic those that made its present state. */
  events(): IterableIterator<TopicEvent> {
    return this.#topic.events();
  }

  /** Calls `listener` for each new event. Returns how to stop. */
  onEvent(listener: (event: TopicEvent) => void): () => void {
    return this.#topic.listen(listener);
  }
}
