import { Backoff, type Clock, exceedsBytes, isPending, type Ledger } from "../base/index.ts";
import { ApplicationError, quoted } from "./application-error.ts";
import type { Broker, BrokerTopic, HeldKey, Receipt } from "./broker.ts";
import { EventLog } from "./log/event-log.ts";
import { jsonOf } from "./json/json-data.ts";
import { readValue } from "./json/members.ts";
import { checkWidth, parsed } from "./json/parsed.ts";
import { DEFAULT_MAX_KEYS, DEFAULT_MAX_STATE_BYTES, MAX_KEY_LENGTH } from "./limits.ts";
import { LiveError } from "./live-error.ts";
import { EVENT_BYTES, textBytes } from "./memory-costs.ts";
import { FieldIndexes } from "./matching/field-indexes.ts";
import type { Offset, Position } from "./position.ts";
import { sharedResources, type SharedResources } from "./shared-resources.ts";
import type { SliceQueue } from "./slices/slice-queue.ts";
import { validate } from "./declaration/standard-schema.ts";
import type { Params } from "./declaration/params.ts";
import type { TopicDeclaration } from "./declaration/topic-declaration.ts";
import type { EventDraft, TopicEvent } from "./event.ts";
import { isOpaque, TopicViews } from "./fan-out/topic-views.ts";
import type { View } from "./fan-out/view.ts";
import { requireWellFormed } from "./well-formed.ts";

/** A log is charged again when its size has changed by this much. */
const CHARGE_BLOCK_BYTES = 16 * 1024;

/** Receives each new event and the key's previous one. */
type Listener = (event: TopicEvent, replaced: TopicEvent | undefined) => unknown;

/** Receives errors of the application's own functions, which affect nothing else. */
export type Report = (cause: unknown) => void;

/** The resources that a server's topics share. */
export interface TopicHost {
  clock: Clock;
  report: Report;
  /** Default: the topic or the catalog creates its own. */
  shared?: SharedResources;
  /** The longest value as JSON, in bytes of UTF-8. Default: unlimited. */
  maxValueBytes?: number;
  /** Called with each event of each topic. */
  onEvent?(topic: Topic, event: TopicEvent): void;
  /** Charged for the logs of topics; absent if memory is not counted. */
  ledger?: Ledger | undefined;
  /** Called after a topic's log was reloaded. `isKept` returns whether a key is unchanged. */
  onStartedAgain?(topic: Topic, isKept: (key: string) => boolean): void;
}

/** A topic as this server knows it: a copy of its retained events, and the views of them. */
export class Topic {
  readonly declaration: TopicDeclaration;
  #log: EventLog;
  #indexes: FieldIndexes | undefined;
  /** Undefined until the topic is open. */
  #views: TopicViews | undefined;
  readonly #shared: SharedResources;
  /** Each with its callback for the end of the log. */
  readonly #listeners = new Map<Listener, (() => void) | undefined>();
  readonly #host: TopicHost;
  #broker: BrokerTopic | undefined;
  #isClosed = false;
  /** Appends that the broker has not answered. */
  #appending = 0;
  #lastUsed = 0;
  /** The charged size of the log. */
  #chargedBytes = 0;
  /** Shared by all who wait for it. */
  #catchingUp: Promise<void> | undefined;

  /** Use `open`. */
  private constructor(declaration: TopicDeclaration, host: TopicHost) {
    this.declaration = declaration;
    this.#log = new EventLog(declaration.kind, declaration.retention);
    this.#host = host;
    this.#shared = host.shared ?? sharedResources(host.clock);
  }

  /** @param declaration with the topic's own name, even if it comes from a pattern */
  static async open(
    declaration: TopicDeclaration,
    broker: Broker,
    host: TopicHost,
  ): Promise<Topic> {
    const topic = new Topic(declaration, host);
    topic.#broker = await topic.#read(broker, topic.#log);
    topic.#showLog();
    topic.#settle();
    topic.touch();
    return topic;
  }

  get name(): string {
    return this.declaration.name;
  }

  /** The topic's name in quotes; for a topic of a pattern, the pattern. */
  get #declaredName(): string {
    return quoted(this.declaration.pattern ?? this.name);
  }

  get kind(): "log" | "keyed" {
    return this.declaration.kind;
  }

  get position(): Position {
    return { epoch: this.#opened.epoch, offset: this.#log.lastOffset };
  }

  /** Events up to this offset have been dropped. */
  get floor(): Offset {
    this.expire();
    return this.#log.floor;
  }

  /** The current time of the clock that sets the events' `at`. */
  get now(): number {
    return this.#broker?.now?.() ?? this.#host.clock.now();
  }

  /** Drops what exceeds the retention. */
  expire(): void {
    this.#log.expire(this.now);
  }

  /** Marks the topic as used. */
  touch(): void {
    this.#lastUsed = this.#host.clock.now();
  }

  /** Drops what has expired and updates whether it is used; called at intervals. */
  tidy(): void {
    this.expire();
    this.#indexes?.tidy();
    this.#settle();
    if (this.#isInUse) this.touch();
  }

  /** Whether nobody has read or written it for `ms`, and it has no leased keys to renew. */
  isIdleFor(ms: number): boolean {
    return !this.#isInUse && this.#host.clock.now() - this.#lastUsed >= ms;
  }

  get #isInUse(): boolean {
    return (
      this.#appending > 0 ||
      this.#listeners.size > 0 ||
      (livesWithConnection(this.declaration) && this.#log.keyCount > 0) ||
      (this.#views?.used ?? 0) > 0
    );
  }

  /** Stops following the broker. Stored events stay and can be opened again. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#host.ledger?.common.refund(this.#chargedBytes);
    this.#chargedBytes = 0;
    return this.#opened.close();
  }

  get viewCount(): number {
    return this.#views?.size ?? 0;
  }

  /** How often a view was asked about an event. */
  get viewsAsked(): number {
    return this.#views?.asked ?? 0;
  }

  /** Runs long work over events in slices. */
  get slices(): SliceQueue {
    return this.#shared.slices;
  }

  /** The memory of its kept events, in bytes. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** Returns a keyed topic's newest event for `key`, including a removal. */
  newest(key: string): TopicEvent | undefined {
    return this.#log.newest(key);
  }

  /** Yields the retained events, oldest first; for a keyed topic, those of its current values. */
  *events(): Generator<TopicEvent, void, undefined> {
    this.expire();
    for (const event of this.#log.after(0)) if (!event.removed) yield event;
  }

  /**
   * Calls `listener` for each new event. If it throws, the error is reported.
   *
   * @param onEnded called before the log is replaced by a reloaded one
   * @returns a function that stops it
   */
  listen(listener: Listener, onEnded?: () => void): () => void {
    this.#listeners.set(listener, onEnded);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Appends an event.
   *
   * @throws LiveError `invalid_data`, `bad_request`, `conflict`; `too_large` also for a value that
   *   is longer than `maxValueBytes`
   */
  async append(draft: EventDraft): Promise<Receipt> {
    requireWellFormed(draft);
    this.#checkKey(draft);
    const valid = asJson(this.#validated(draft));
    this.#checkLength(valid);
    this.#checkBudget(valid);
    this.#appending += 1;
    try {
      return await this.#opened.append(valid);
    } finally {
      this.#appending -= 1;
      this.touch();
    }
  }

  /**
   * Catches up with the broker if a reader's position cannot be judged yet: another server may have
   * sent it an event, or an epoch, that has not arrived here.
   *
   * @throws LiveError `unavailable` as a rejection
   */
  catchUpWith(since: Position | undefined): void | Promise<void> {
    return this.#knows(since) ? undefined : this.#catchUp(since);
  }

  /** Reads everything that has been appended. @throws LiveError `unavailable` as a rejection */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#opened.catchUp().finally(() => (this.#catchingUp = undefined));
    return this.#catchingUp;
  }

  /** Renews the leases of keys; see `BrokerTopic.lease`. */
  async lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    return this.#opened.lease(held, leaseMs);
  }

  /**
   * Returns the view for `params`; equal params share a view.
   *
   * @throws LiveError `invalid_params`, `unavailable`
   */
  view(params: Params): View {
    this.touch();
    return this.#openViews.view(params);
  }

  #knows(since: Position | undefined): boolean {
    if (since === undefined) return true;
    const { epoch, offset } = this.position;
    return since.epoch === epoch && since.offset <= offset;
  }

  async #catchUp(since: Position | undefined): Promise<void> {
    // The first answer may have been in transit before the reader's event was appended.
    for (let asked = 0; asked < 2 && !this.#knows(since); asked += 1) {
      await this.catchUp();
    }
  }

  get #opened(): BrokerTopic {
    if (this.#broker !== undefined) return this.#broker;
    throw new LiveError("unavailable", "The topic is still opening; try again in a moment.");
  }

  get #openViews(): TopicViews {
    if (this.#views !== undefined) return this.#views;
    throw new LiveError("unavailable", "The topic is still opening; try again in a moment.");
  }

  /** Creates the views of the current log. */
  #showLog(): void {
    const { name, declaration } = this;
    const keyed = this.kind === "keyed";
    this.#indexes = keyed ? new FieldIndexes(this.#log) : undefined;
    this.#views = new TopicViews({
      address: { name, epoch: this.#opened.epoch },
      declaration,
      keyed,
      log: this.#log,
      indexes: this.#indexes,
      pages: this.#shared.pages,
      lanes: this.#shared.lanes,
      report: this.#host.report,
    });
  }

  async #read(broker: Broker, log: EventLog): Promise<BrokerTopic> {
    const opened = await broker.openTopic(
      this.declaration,
      (event) => this.#follow(event, log),
      () => void this.#startAgain(broker, new Backoff()),
    );
    log.continueFrom(opened.offset, opened.floor);
    return opened;
  }

  /**
   * Reloads the topic after the broker lost its continuity. Until everything is reloaded, readers
   * get the previous state.
   */
  async #startAgain(broker: Broker, backoff: Backoff): Promise<void> {
    const { kind, retention } = this.declaration;
    const log = new EventLog(kind, retention);
    try {
      const opened = await this.#read(broker, log);
      if (this.#isClosed) return await opened.close();
      this.#replace(log, opened);
    } catch (error) {
      if (this.#isClosed) return;
      this.#host.report(error);
      this.#host.clock.after(backoff.next(), () => void this.#startAgain(broker, backoff));
    }
  }

  #replace(log: EventLog, opened: BrokerTopic): void {
    const before = this.#log;
    const isSameEpoch = this.#opened.epoch === opened.epoch;
    // While the position is still the one that readers know.
    for (const onEnded of this.#listeners.values()) onEnded?.();
    this.#views?.end();
    this.#log = log;
    this.#broker = opened;
    this.#showLog();
    this.#host.onStartedAgain?.(this, (key) => isSame(before.newest(key), log.newest(key)));
    const news = [...log.after(isSameEpoch ? before.lastOffset : 0)];
    for (const event of news) {
      this.#announce(event, event.key === undefined ? undefined : before.newest(event.key));
    }
  }

  #follow(event: TopicEvent, log: EventLog): void {
    const replaced = log.append(event);
    // The log is still being loaded and has no readers.
    if (log !== this.#log) return;
    this.#settle();
    this.#indexes?.take(event, replaced);
    this.#views?.take(event, replaced);
    this.#announce(event, replaced);
  }

  /** Charges the log in blocks, so that few events pay the cost of charging. */
  #settle(): void {
    const growth = this.#log.bytes - this.#chargedBytes;
    const common = this.#host.ledger?.common;
    if (common === undefined || this.#isClosed || Math.abs(growth) < CHARGE_BLOCK_BYTES) return;
    if (growth > 0) common.owe(growth);
    else common.refund(-growth);
    this.#chargedBytes += growth;
  }

  /** A longer value could not be sent to any client. @throws LiveError `too_large` */
  #checkLength({ json = "" }: EventDraft): void {
    const { maxValueBytes = Number.POSITIVE_INFINITY } = this.#host;
    if (!exceedsBytes(json, maxValueBytes)) return;
    const message = `The data, ${json.length} characters of JSON, takes more than the ${maxValueBytes} bytes of maxMessageBytes; split it up, or raise the limit.`;
    throw new LiveError("too_large", message);
  }

  /** @throws LiveError `unavailable` if the process has no memory for another event */
  #checkBudget({ json = "", removed }: EventDraft): void {
    const common = this.#host.ledger?.common;
    if (common === undefined || removed === true) return;
    const bytes = textBytes(json) + EVENT_BYTES;
    if (!common.charge(bytes)) {
      const message = `The server has no memory left for another event of ${this.name}; try again later, or lower what its topics retain.`;
      throw new LiveError("unavailable", message);
    }
    common.refund(bytes);
  }

  #announce(event: TopicEvent, replaced: TopicEvent | undefined): void {
    this.#host.onEvent?.(this, event);
    for (const listener of this.#listeners.keys()) this.#notify(listener, event, replaced);
  }

  #notify(listener: Listener, event: TopicEvent, replaced: TopicEvent | undefined): void {
    const fail = (error: unknown): void => {
      const name = `A listener of the topic ${this.#declaredName}`;
      const occasion = `on the event ${event.offset} of ${quoted(this.name)}`;
      this.#host.report(new ApplicationError({ name, occasion }, error));
    };
    try {
      const pending = listener(event, replaced);
      if (isPending(pending)) Promise.resolve(pending).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  /** Validates the data with its schema. @throws LiveError `invalid_data`, `too_large` */
  #validated(draft: EventDraft): EventDraft {
    const schema = this.declaration.data;
    const { json, ...rest } = draft;
    if (draft.removed === true || (schema === undefined && json === undefined)) return draft;
    if (schema === undefined) {
      if (isOpaque(this.declaration)) checkWidth(readValue(json!)!, "data");
      return draft;
    }
    const given = json === undefined ? draft.data : parsed(readValue(json)!, DATA);
    const valid = validate(
      schema,
      given,
      () => `The data schema of the topic ${this.#declaredName}`,
    );
    if (valid.kind === "invalid") throw new LiveError("invalid_data", valid.message);
    // Serialized again even if the schema returned the same object, because it may have changed it.
    return { ...rest, data: valid.value };
  }

  #checkKey({ key, removed }: EventDraft): void {
    if (this.declaration.kind === "log") {
      if (key === undefined && removed !== true) return;
      throw new LiveError("bad_request", `${this.name} is a log topic; publish without key.`);
    }
    if (key === undefined || key === "" || key.length > MAX_KEY_LENGTH) {
      const message = `${this.name} is a keyed topic; give a key of 1 to ${MAX_KEY_LENGTH} characters.`;
      throw new LiveError("bad_request", message);
    }
    if (removed !== true) this.#checkRoom(key, this.declaration);
  }

  #checkRoom(
    key: string,
    {
      maxKeys = DEFAULT_MAX_KEYS,
      maxStateBytes = DEFAULT_MAX_STATE_BYTES,
    }: { maxKeys?: number; maxStateBytes?: number },
  ): void {
    const present = this.newest(key);
    const isNew = present === undefined || present.removed;
    if (isNew && this.#log.keyCount >= maxKeys) {
      const message = `${this.name} holds ${maxKeys} keys, its limit; remove some or raise maxKeys.`;
      throw new LiveError("too_large", message);
    }
    if (this.#log.bytes < maxStateBytes) return;
    const message = `${this.name} holds ${maxStateBytes} bytes, its limit; remove some keys or raise maxStateBytes.`;
    throw new LiveError("too_large", message);
  }
}

/**
 * Serializes the draft's data as JSON. @throws LiveError `invalid_data` for what JSON cannot
 * represent
 */
function asJson(draft: EventDraft): EventDraft {
  if (draft.removed === true || draft.json !== undefined) return draft;
  const { data, ...rest } = draft;
  return { ...rest, json: jsonOf(data) };
}

const DATA = { name: "data", code: "invalid_data" } as const;

function isSame(one: TopicEvent | undefined, other: TopicEvent | undefined): boolean {
  return one !== undefined && one.offset === other?.offset && one.at === other.at;
}

/** Whether its keys end with the connections that set them. */
export function livesWithConnection(declaration: TopicDeclaration): boolean {
  return declaration.kind === "keyed" && declaration.keyLifetime === "connection";
}
