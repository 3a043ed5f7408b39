import type { Clock } from "../base/index.ts";
import type { Broker, BrokerTopic, Receipt } from "./broker.ts";
import { canonicalJson } from "./canonical-json.ts";
import { EventLog } from "./event-log.ts";
import {
  DEFAULT_MAX_KEYS,
  MAX_KEY_LENGTH,
  MAX_LANE_BYTES,
  MAX_PARAMS_LENGTH,
  MAX_VIEWS,
} from "./limits.ts";
import { LiveError } from "./live-error.ts";
import type { Offset, Position } from "./position.ts";
import { validate } from "./standard-schema.ts";
import type { Params, TopicDeclaration } from "./topic-declaration.ts";
import type { EventDraft, TopicEvent } from "./topic-event.ts";
import { View } from "./view.ts";

/** With fewer views than this none is dropped. */
const SWEEP_FROM = 100;

/** Hears of each new event, and of what its key had before. */
type Listener = (event: TopicEvent, replaced: TopicEvent | undefined) => void;

/** Takes errors of the application's own functions, which end nothing else. */
export type Report = (cause: unknown) => void;

/** A topic, as this server knows it: a copy of its retained events, and the views of them. */
export class Topic {
  readonly declaration: TopicDeclaration;
  readonly #log: EventLog;
  readonly #views = new Map<string, View>();
  /** From how many views on the unused ones are looked for. */
  #sweepAt = SWEEP_FROM;
  readonly #listeners = new Set<Listener>();
  readonly #clock: Clock;
  readonly #report: Report;
  #broker: BrokerTopic | undefined;

  /** Made by `openTopic`. */
  private constructor(declaration: TopicDeclaration, clock: Clock, report: Report) {
    this.declaration = declaration;
    this.#log = new EventLog(declaration.kind, declaration.retention);
    this.#clock = clock;
    this.#report = report;
  }

  static async open(
    declaration: TopicDeclaration,
    broker: Broker,
    { clock, report }: { clock: Clock; report: Report },
  ): Promise<Topic> {
    const topic = new Topic(declaration, clock, report);
    const opened = await broker.openTopic(declaration, (event) => topic.#follow(event));
    topic.#log.continueFrom(opened.offset, opened.floor);
    topic.#broker = opened;
    return topic;
  }

  get name(): string {
    return this.declaration.name;
  }

  get kind(): "log" | "keyed" {
    return this.declaration.kind;
  }

  get position(): Position {
    return { epoch: this.#opened.epoch, offset: this.#log.lastOffset };
  }

  /** Events up to this offset have been let go of. */
  get floor(): Offset {
    this.expire();
    return this.#log.floor;
  }

  /** Lets go of what is older than the retention allows. */
  expire(): void {
    this.#log.expire(this.#clock.now());
  }

  /** A keyed topic's newest event for `key`, also if it removed it. */
  newest(key: string): TopicEvent | undefined {
    return this.#log.newest(key);
  }

  /** All events that are kept, oldest first; of a keyed topic those of its present values. */
  *events(): Generator<TopicEvent, void, undefined> {
    this.expire();
    for (const event of this.#log.after(0)) if (!event.removed) yield event;
  }

  /** Calls `listener` for each new event; what it throws is reported. Returns how to stop. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Appends an event.
   *
   * @throws LiveError `invalid_data`, `bad_request`, `too_large`
   */
  async append(draft: EventDraft): Promise<Receipt> {
    this.#checkKey(draft);
    if (draft.removed === true) return this.#opened.append(draft);
    const valid = validate(this.declaration.data, draft.data);
    if (valid.kind === "invalid") throw new LiveError("invalid_data", valid.message);
    return this.#opened.append({ ...draft, data: valid.value });
  }

  /**
   * Returns the view for `params`, shared by all who give equal ones.
   *
   * @throws LiveError `invalid_params`, `unavailable`
   */
  view(params: Params): View {
    const valid = validate(this.declaration.params, params);
    if (valid.kind === "invalid") throw new LiveError("invalid_params", valid.message);
    const name = this.#viewName(params);
    const view = this.#views.get(name) ?? this.#makeView(name, valid.value as Params);
    view.wake();
    return view;
  }

  #makeView(name: string, params: Params): View {
    this.#dropUnusedViews();
    const address = { name: this.name, epoch: this.#opened.epoch };
    const view = new View(address, this.#log, {
      keyed: this.kind === "keyed",
      matches: this.#matcher(params),
      maxLaneBytes: MAX_LANE_BYTES,
    });
    this.#views.set(name, view);
    return view;
  }

  /** By the params as they came: what a schema made of them need not be JSON. */
  #viewName(params: Params): string {
    // Where nothing is narrowed all params are equal.
    if (this.declaration.match === undefined) return "";
    const name = canonicalJson(params);
    if (name !== undefined && name.length <= MAX_PARAMS_LENGTH) return name;
    const message = `The params are too long or too deep; ${MAX_PARAMS_LENGTH} characters of JSON are the limit.`;
    throw new LiveError("invalid_params", message);
  }

  /** What throws matches nothing; it is reported once, since each event would throw again. */
  #matcher(params: Params): (event: TopicEvent) => boolean {
    const { match } = this.declaration;
    if (match === undefined) return () => true;
    let hasThrown = false;
    return (event) => {
      try {
        return match(params, event);
      } catch (error) {
        if (!hasThrown) this.#report(error);
        hasThrown = true;
        return false;
      }
    };
  }

  get #opened(): BrokerTopic {
    if (this.#broker !== undefined) return this.#broker;
    throw new LiveError("unavailable", "The topic is still opening; try again in a moment.");
  }

  #follow(event: TopicEvent): void {
    const replaced = this.#log.append(event);
    for (const view of this.#views.values()) view.take(event, replaced);
    for (const listener of this.#listeners) this.#tell(listener, event, replaced);
  }

  #tell(listener: Listener, event: TopicEvent, replaced: TopicEvent | undefined): void {
    try {
      listener(event, replaced);
    } catch (error) {
      this.#report(error);
    }
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
    const { maxKeys = DEFAULT_MAX_KEYS } = this.declaration;
    const present = this.newest(key);
    const isNew = present === undefined || present.removed;
    if (removed === true || !isNew || this.#log.keyCount < maxKeys) return;
    const message = `${this.name} holds ${maxKeys} keys, its limit; remove some or raise maxKeys.`;
    throw new LiveError("too_large", message);
  }

  #dropUnusedViews(): void {
    if (this.#views.size < Math.min(this.#sweepAt, MAX_VIEWS)) return;
    for (const [name, view] of this.#views) if (view.isUnused) this.#views.delete(name);
    // Twice as many as are in use: so a new view costs no look at all the others.
    this.#sweepAt = Math.max(SWEEP_FROM, this.#views.size * 2);
    if (this.#views.size < MAX_VIEWS) return;
    const message = `${this.name} is narrowed in ${MAX_VIEWS} ways already; use params that others use too.`;
    throw new LiveError("unavailable", message);
  }
}
