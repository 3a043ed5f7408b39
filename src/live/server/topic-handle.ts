import { LongwireError, shown } from "../../base/index.ts";
import {
  type Catalog,
  errorText,
  type EventDraft,
  type Position,
  quoted,
  type Receipt,
  type Report,
  type Topic,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import type { DataOf, LiveApi, TopicName, TopicNamed } from "../live-api.ts";
import { ReportedPromise } from "./observing/reported-promise.ts";
import { LastingError } from "./observing/reporter.ts";

export interface PublishOptions {
  /** A repeat with the same key within five minutes is stored once. */
  idempotencyKey?: string;
}

export interface SetOptions extends PublishOptions {
  /**
   * Removes the key after this time in milliseconds, unless it is set again before. Default: it
   * stays.
   */
  leaseMs?: number;
}

type TopicKind = TopicDeclaration["kind"];

/**
 * The type of `LiveServer.topic(name)`: typed data, and only the operations of the topic's kind.
 */
export type HandleNamed<Api extends LiveApi, Name extends string> =
  string extends TopicName<Api> ? TopicHandle : HandleOf<TopicNamed<Api, Name>>;

type HandleOf<Declaration extends TopicDeclaration> = TopicHandle<
  DataOf<Declaration>,
  Declaration["kind"]
>;

/**
 * A topic for use by the server's own code.
 *
 * A topic of a pattern is opened by the first publish or by `ready`. Reading it before that throws
 * `topic_not_ready`.
 *
 * `publish`, `set`, `remove` and `ready` return promises that may be ignored: a failure is then
 * reported to `onError`. If you await one, it rejects as usual.
 */
export class TopicHandle<
  Data = unknown,
  // If the compiler does not know the declaration, every operation is allowed.
  // oxlint-disable-next-line typescript/no-explicit-any
  Kind extends TopicKind = any,
> {
  readonly name: string;
  readonly kind: Kind;
  readonly #catalog: Catalog;
  readonly #report: Report;

  /** @throws LongwireError `unknown_topic` */
  constructor(catalog: Catalog, name: string, report: Report) {
    this.name = name;
    this.#catalog = catalog;
    this.#report = report;
    const entry = catalog.find(name);
    if (entry === undefined) {
      throw new LongwireError("unknown_topic", `There is no topic ${name}; declare it first.`);
    }
    this.kind = entry.declaration.kind as Kind;
  }

  /** Opens the topic. It stays open while it has readers, and for half a minute after. */
  ready(): Promise<void> {
    return ReportedPromise.watch(this.#makeReady(), (error) =>
      this.#reportUnhandled(error, { code: "open_failed", what: "was not opened" }),
    );
  }

  get position(): Position {
    return this.#opened.position;
  }

  /**
   * Appends an event to a log topic. Data is serialized like `JSON.stringify`: `undefined` members
   * are left out, and `undefined` in an array becomes `null`.
   *
   * @throws LiveError `invalid_data`, `bad_request`, `too_large`, `unavailable` as a rejection
   */
  publish(
    this: TopicHandle<Data, "log">,
    data: Data,
    options: PublishOptions = {},
  ): Promise<Receipt> {
    return this.#append({ data, ...options });
  }

  /**
   * Sets a key of a keyed topic. Data is serialized like `JSON.stringify`: `undefined` members are
   * left out, and `undefined` in an array becomes `null`.
   *
   * @throws LiveError `invalid_data`, `bad_request`, `too_large`, `unavailable`, and LongwireError
   *   `invalid_limit` for `leaseMs`, as a rejection
   */
  set(
    this: TopicHandle<Data, "keyed">,
    key: string,
    data: Data,
    options: SetOptions = {},
  ): Promise<Receipt> {
    return this.#append({ key, data, ...options });
  }

  /** Removes a key of a keyed topic. */
  remove(this: TopicHandle<Data, "keyed">, key: string): Promise<Receipt> {
    return this.#append({ key, removed: true });
  }

  /** Returns a keyed topic's current value for `key`. */
  get(this: TopicHandle<Data, "keyed">, key: string): Data | undefined {
    const event = this.#opened.newest(key);
    return event === undefined || event.removed ? undefined : (event.data as Data);
  }

  /**
   * Returns the retained events, oldest first; for a keyed topic, those that make up its current
   * state.
   */
  events(): IterableIterator<TopicEvent<Data>> {
    return this.#opened.events() as IterableIterator<TopicEvent<Data>>;
  }

  /**
   * Calls `listener` for each new event and keeps the topic open. If the listener throws or
   * rejects, `onError` receives the error.
   *
   * @returns a function that stops it
   */
  onEvent(listener: (event: TopicEvent<Data>) => void): () => void {
    return this.#opened.listen((event) => listener(event as TopicEvent<Data>));
  }

  get #opened(): Topic {
    const topic = this.#catalog.get(this.name);
    if (topic !== undefined) return topic;
    const message = `The topic ${this.name} belongs to a pattern and is not open; await ready() before you read it.`;
    throw new LongwireError("topic_not_ready", message);
  }

  #append(draft: EventDraft): Promise<Receipt> {
    return ReportedPromise.watch(this.#appendNow(draft), (error) =>
      this.#reportUnhandled(error, { code: "append_failed", what: "did not accept an event" }),
    );
  }

  async #appendNow(draft: EventDraft): Promise<Receipt> {
    const { leaseMs } = draft;
    if (leaseMs !== undefined && !(leaseMs > 0 && Number.isFinite(leaseMs))) {
      const message = `leaseMs is ${shown(leaseMs)}; give a positive number of milliseconds, or leave it out.`;
      throw new LongwireError("invalid_limit", message);
    }
    const topic = this.#catalog.get(this.name) ?? (await this.#open());
    return topic.append(draft);
  }

  async #makeReady(): Promise<void> {
    await this.#open();
  }

  /**
   * Every event fails while a broker is unreachable, so failures with one cause count as one kind.
   */
  #reportUnhandled(cause: unknown, { code, what }: { code: string; what: string }): void {
    const declared = this.#catalog.find(this.name)?.declaration.pattern ?? this.name;
    const { code: why } = cause as { code?: unknown };
    const kind = `${code} ${declared} ${typeof why === "string" ? why : errorText(cause)}`;
    const message = `The topic ${quoted(this.name)} ${what}: ${errorText(cause)}. Await the promise to handle it in place.`;
    this.#report(new LastingError(code, message, { kind, cause }));
  }

  #open(): Topic | Promise<Topic> {
    return this.#catalog.open(this.#catalog.find(this.name)!);
  }
}
