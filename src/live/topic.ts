import type { Clock } from "../base/index.ts";
import type { Broker, BrokerTopic, Receipt } from "./broker.ts";
import { canonicalJson } from "./canonical-json.ts";
import { EventLog } from "./event-log.ts";
import { LiveError } from "./live-error.ts";
import type { Offset, Position } from "./position.ts";
import { validate } from "./standard-schema.ts";
import type { Params, TopicDeclaration } from "./topic-declaration.ts";
import type { EventDraft, TopicEvent } from "./topic-event.ts";
import { View } from "./view.ts";

/** A lane is for those who keep up; who falls behind it is served from the log again. */
const MAX_LANE_BYTES = 512 * 1024;

const MAX_KEY_LENGTH = 255;
const DEFAULT_MAX_KEYS = 100_000;

/** How many different params a topic is narrowed by at one time, at most. */
const MAX_VIEWS = 10_000;

/** A topic, as this server knows it: a copy of its retained events, and the views of them. */
export class Topic {
  readonly declaration: TopicDeclaration;
  readonly #log: EventLog;
  readonly #views = new Map<string, View>();
  readonly #listeners = new Set<(event: TopicEvent) => void>();
  readonly #clock: Clock;
  #broker: BrokerTopic | undefined;

  /** Made by `openTopic`. */
  private constructor(declaration: TopicDeclaration, clock: Clock) {
    this.declaration = declaration;
    this.#log = new EventLog(declaration.kind, declaration.retention);
    this.#clock = clock;
  }

  static async open(declaration: TopicDeclaration, broker: Broker, clock: Clock): Promise<Topic> {
    const topic = new Topic(declaration, clock);
    const opened = await broker.openTopic(declaration, (event) => topic.#follow(event));
    if (topic.#log.lastOffset < opened.offset) topic.#log.startAt(opened.offset);
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
    this.#log.expire(this.#clock.now());
    return this.#log.floor;
  }

  /** A keyed topic's newest event for `key`, also if it removed it. */
  newest(key: string): TopicEvent | undefined {
    return this.#log.newest(key);
  }

  /** All events that are kept, oldest first; of a keyed topic those of its present values. */
  *events(): Generator<TopicEvent, void, undefined> {
    for (const event of this.#log.after(0)) if (!event.removed) yield event;
  }

  /** Calls `listener` for each new event. Returns how to stop. */
  listen(listener: (event: TopicEvent) => void): () => void {
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
    const { match } = this.declaration;
    // Where nothing is narrowed all params are equal.
    const name = match === undefined ? "" : canonicalJson(valid.value);
    const known = this.#views.get(name);
    if (known !== undefined) return known;
    this.#dropUnusedViews();
    const checked = valid.value as Params;
    const matches = match === undefined ? everything : (event: TopicEvent) => match(checked, event);
    const address = { name: this.name, epoch: this.#opened.epoch };
    const view = new View(address, this.#log, {
      keyed: this.kind === "keyed",
      matches,
      maxLaneBytes: MAX_LANE_BYTES,
    });
    this.#views.set(name, view);
    return view;
  }

  get #opened(): BrokerTopic {
    if (this.#broker !== undefined) return this.#broker;
    throw new LiveError("unavailable", "The topic is still opening; try again in a moment.");
  }

  #follow(event: TopicEvent): void {
    const replaced = this.#log.append(event);
    for (const view of this.#views.values()) view.take(event, replaced);
    for (const listener of this.#listeners) listener(event);
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
    if (this.#views.size < 100) return;
    for (const [name, view] of this.#views) if (view.isUnused) this.#views.delete(name);
    if (this.#views.size < MAX_VIEWS) return;
    const message = `${this.name} is narrowed in ${MAX_VIEWS} ways already; use params that others use too.`;
    throw new LiveError("unavailable", message);
  }
}

function everything(): boolean {
  return true;
}
