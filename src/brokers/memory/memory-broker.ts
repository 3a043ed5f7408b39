import { systemClock, type Clock } from "../../base/index.ts";
import {
  EventLog,
  eventOf,
  type Broker,
  type BrokerTopic,
  type EventDraft,
  type Offset,
  type Receipt,
  type TopicDeclaration,
  type TopicEvent,
} from "../../live/index.ts";
import { IdempotencyWindow } from "./idempotency-window.ts";

/**
 * Keeps topics in the memory of this process: the default, for one server.
 *
 * What it holds ends with the process, or with `close`; a topic's epoch, new each time, says so to
 * every client that comes back.
 */
export class MemoryBroker implements Broker {
  readonly #clock: Clock;
  readonly #topics = new Map<string, MemoryTopic>();

  constructor(options: { clock?: Clock } = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
  ): Promise<BrokerTopic> {
    const known = this.#topics.get(declaration.name);
    const topic = known ?? new MemoryTopic(declaration, this.#clock);
    this.#topics.set(declaration.name, topic);
    topic.follow(follow);
    return Promise.resolve(topic);
  }

  close(): Promise<void> {
    this.#topics.clear();
    return Promise.resolve();
  }
}

class MemoryTopic implements BrokerTopic {
  readonly epoch: string = crypto.randomUUID();
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #window: IdempotencyWindow;
  readonly #followers: ((event: TopicEvent) => void)[] = [];

  constructor(declaration: TopicDeclaration, clock: Clock) {
    this.#log = new EventLog(declaration.kind, declaration.retention);
    this.#clock = clock;
    this.#window = new IdempotencyWindow(clock);
  }

  get offset(): Offset {
    return this.#log.lastOffset;
  }

  get floor(): Offset {
    return this.#log.floor;
  }

  follow(follower: (event: TopicEvent) => void): void {
    for (const event of this.#log.after(0)) follower(event);
    this.#followers.push(follower);
  }

  // Async, so that what is thrown for bad data comes as a rejection.
  // oxlint-disable-next-line typescript/require-await
  async append(draft: EventDraft): Promise<Receipt> {
    const { idempotencyKey } = draft;
    const first = idempotencyKey === undefined ? undefined : this.#window.find(idempotencyKey);
    if (first !== undefined) return { offset: first, duplicate: true };
    const event = eventOf(draft, this.#log.lastOffset + 1, this.#clock.now());
    this.#log.append(event);
    if (idempotencyKey !== undefined) this.#window.remember(idempotencyKey, event.offset);
    for (const follower of this.#followers) follower(event);
    return { offset: event.offset, duplicate: false };
  }
}
