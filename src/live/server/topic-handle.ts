import { LongwireError } from "../../base/index.ts";
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
  /** A repeated publish with the same key, within five minutes, is in the log once. */
  idempotencyKey?: string;
}

type TopicKind = TopicDeclaration["kind"];

/** What `LiveServer.topic` returns for a name: its data is typed, and what its kind can't do is not. */
export type HandleNamed<Api extends LiveApi, Name extends string> =
  string extends TopicName<Api> ? TopicHandle : HandleOf<TopicNamed<Api, Name>>;

type HandleOf<Declaration extends TopicDeclaration> = TopicHandle<
  DataOf<Declaration>,
  Declaration["kind"]
>;

/**
 * A topic in the hands of the server's own code.
 *
 * Those of a pattern are opened by the first publish or by `ready`; what reads a topic needs it
 * open, and throws `topic_not_ready` otherwise.
 *
 * `publish`, `set`, `remove` and `ready` return promises that may be left alone: what fails is
 * given to `onError` then. Whoever awaits one has it rejected as usual.
 */
export class TopicHandle<
  Data = unknown,
  // Where the declaration is not known to the compiler, every operation is allowed.
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

  /** Opens the topic. It stays open while somebody reads it, and for half a minute after. */
  ready(): Promise<void> {
    return ReportedPromise.watch(this.#makeReady(), (error) =>
      this.#reportUnhandled(error, { code: "open_failed", what: "was not opened" }),
    );
  }

  get position(): Position {
    return this.#opened.position;
  }

  /**
   * Appends to a log topic. As with `JSON.stringify`, members that are `undefined` are left out, and
   * `undefined` in an array becomes `null`.
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
   * Sets a key of a keyed topic. As with `JSON.stringify`, members that are `undefined` are left
   * out, and `undefined` in an array becomes `null`.
   *
   * @throws LiveError `invalid_data`, `bad_request`, `too_large`, `unavailable` as a rejection
   */
  set(
    this: TopicHandle<Data, "keyed">,
    key: string,
    data: Data,
    options: PublishOptions = {},
  ): Promise<Receipt> {
    return this.#append({ key, data, ...options });
  }

  /** Removes a key of a keyed topic. */
  remove(this: TopicHandle<Data, "keyed">, key: string): Promise<Receipt> {
    return this.#append({ key, removed: true });
  }

  /** A keyed topic's newest value for `key`. */
  get(this: TopicHandle<Data, "keyed">, key: string): Data | undefined {
    const event = this.#opened.newest(key);
    return event === undefined || event.removed ? undefined : (event.data as Data);
  }

  /** The retained events, oldest first; of a keyed topic those that made its present state. */
  events(): IterableIterator<TopicEvent<Data>> {
    return this.#opened.events() as IterableIterator<TopicEvent<Data>>;
  }

  /**
   * Calls `listener` for each new event, and keeps the topic open. Returns how to stop. What it
   * throws, or rejects with, is given to `onError`.
   */
  onEvent(listener: (event: TopicEvent<Data>) => void): () => void {
    return this.#opened.listen((event) => listener(event as TopicEvent<Data>));
  }

  get #opened(): Topic {
    const topic = this.#catalog.get(this.name);
    if (topic !== undefined) return topic;
    const message = `The topic ${this.name} is of a pattern and not open; await ready() before you read it.`;
    throw new LongwireError("topic_not_ready", message);
  }

  #append(draft: EventDraft): Promise<Receipt> {
    return ReportedPromise.watch(this.#appendNow(draft), (error) =>
      this.#reportUnhandled(error, { code: "append_failed", what: "did not take an event" }),
    );
  }

  async #appendNow(draft: EventDraft): Promise<Receipt> {
    const topic = this.#catalog.get(this.name) ?? (await this.#open());
    return topic.append(draft);
  }

  async #makeReady(): Promise<void> {
    await this.#open();
  }

  /** A broker that is away fails each event: all of a cause are one kind. */
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
