import type { Timer } from "../../base/index.ts";
import { LiveError, type LiveErrorCode } from "../live-error.ts";
import type { Outlet } from "../outlet.ts";
import { formatPosition, parseOffset, parsePosition, type Position } from "../position.ts";
import { freshWalk, recover } from "../recover.ts";
import { Subscription } from "../subscription.ts";
import type { Topic } from "../topic.ts";
import type { Params } from "../topic-declaration.ts";
import type { TopicEvent } from "../topic-event.ts";
import type { View, Walk } from "../view.ts";
import { draftOf, parseObject } from "./client-message.ts";
import { entriesText, eventStreamEncoding } from "./encodings.ts";
import type { LiveExchange } from "./live-peer.ts";
import { publish, requireTopic } from "./publish.ts";
import type { Realm } from "./session.ts";

/** The longest long poll, in seconds. */
const MAX_WAIT_S = 60;

/** Query names that are not params. */
const RESERVED: ReadonlySet<string> = new Set(["wait", "epoch", "offset"]);

const STATUS: Record<LiveErrorCode, number> = {
  bad_request: 400,
  unknown_type: 400,
  unauthorized: 401,
  forbidden: 403,
  unknown_topic: 404,
  unknown_method: 404,
  conflict: 409,
  too_large: 413,
  invalid_params: 422,
  invalid_data: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
};

/** The topics over plain HTTP: state, long poll, server-sent events, publish. */
export class HttpForms {
  readonly #realm: Realm;
  /** How to end each request that is still open, when the server drains. */
  readonly #open = new Set<() => void>();

  constructor(realm: Realm) {
    this.#realm = realm;
  }

  /** @param name the topic's */
  async answer(exchange: LiveExchange, name: string): Promise<void> {
    try {
      await this.#dispatch(exchange, requireTopic(this.#realm, name));
    } catch (error) {
      refuse(exchange, error);
    }
  }

  onDraining(): void {
    for (const end of this.#open) end();
  }

  onTick(): void {
    for (const stream of this.#streams) stream.beat();
  }

  readonly #streams = new Set<EventStream>();

  async #dispatch(exchange: LiveExchange, topic: Topic): Promise<void> {
    if (exchange.method === "POST") return this.#post(exchange, topic);
    if (exchange.method !== "GET" && exchange.method !== "HEAD") {
      const message = `The method is ${exchange.method}; use GET or POST.`;
      return answerError(exchange, 405, { code: "bad_request", message }, { Allow: "GET, POST" });
    }
    const query = new URLSearchParams(exchange.search);
    const view = topic.view(paramsOf(query));
    const accept = exchange.header("accept") ?? "";
    if (accept.includes("text/event-stream")) return this.#stream(exchange, topic, view);
    const since = sinceOf(query);
    const wait = waitOf(query);
    const recovery = recover(topic, since);
    if (recovery.kind === "ahead") {
      throw new LiveError("bad_request", "offset is ahead of the topic; ask without it.");
    }
    const walk = since === undefined ? historyWalk(topic) : missedWalk(topic, recovery.walk);
    if (since !== undefined && wait > 0 && !hasNews(topic, view, walk, recovery.kind)) {
      return this.#longPoll(exchange, { topic, view, walk, wait });
    }
    answerState(exchange, { topic, view, walk });
  }

  async #post(exchange: LiveExchange, topic: Topic): Promise<void> {
    const body = await exchange.body(this.#realm.limits.maxMessageBytes);
    const fields = parseObject(body);
    if (fields === undefined) {
      throw new LiveError("bad_request", "The body is not a JSON object; send one.");
    }
    const draft = draftOf(fields);
    if (typeof draft === "string") throw new LiveError("bad_request", draft);
    const receipt = await publish(this.#realm, { topic: topic.name, draft }, undefined);
    exchange.answer(201, JSON_HEADERS, JSON.stringify({ topic: topic.name, ...receipt }));
  }

  #longPoll(
    exchange: LiveExchange,
    { topic, view, walk, wait }: { topic: Topic; view: View; walk: Walk; wait: number },
  ): void {
    const finish = (news: boolean): void => {
      stopListening();
      timer.cancel();
      this.#open.delete(end);
      if (news) answerState(exchange, { topic, view, walk });
      else exchange.answer(304, { ETag: etagOf(topic.position) }, "");
    };
    const end = (): void => finish(false);
    const stopListening = topic.listen(() => {
      // What did not match is no news; what did is somewhere behind the walk's place.
      if (!view.entriesAfter(walk).next().done) finish(true);
    });
    const timer: Timer = this.#realm.wheel.after(wait * 1_000, end);
    this.#open.add(end);
    exchange.onClosed(() => {
      stopListening();
      timer.cancel();
      this.#open.delete(end);
    });
  }

  #stream(exchange: LiveExchange, topic: Topic, view: View): void {
    const last = exchange.header("last-event-id");
    const since = last === undefined ? undefined : parsePosition(last);
    const recovery = recover(topic, since);
    // A stale id is not the page's doing, its EventSource repeats it: start again instead.
    const walk = recovery.kind === "ahead" ? freshWalk(topic) : recovery.walk;
    const stream = new EventStream(exchange, { topic, view, walk });
    const end = (): void => exchange.end();
    this.#streams.add(stream);
    this.#open.add(end);
    exchange.onClosed(() => {
      stream.close();
      this.#streams.delete(stream);
      this.#open.delete(end);
    });
    if (recovery.kind === "gap") stream.sayGap(recovery.from, recovery.to, recovery.reason);
    stream.pump();
  }
}

/** One client of server-sent events. */
class EventStream implements Outlet {
  readonly #exchange: LiveExchange;
  readonly #topic: Topic;
  readonly #subscription: Subscription;
  #quietTicks = 0;

  constructor(exchange: LiveExchange, source: { topic: Topic; view: View; walk: Walk }) {
    this.#exchange = exchange;
    this.#topic = source.topic;
    this.#subscription = new Subscription(
      { ...source, encoding: eventStreamEncoding },
      this,
      (from, to) => {
        this.sayGap(from, to, "slow");
        return "go-on";
      },
    );
    exchange.beginStream({
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      // Proxies that gather output would make a stream of it that stutters.
      "X-Accel-Buffering": "no",
    });
    exchange.onDrain(() => this.pump());
  }

  get bufferedAmount(): number {
    return this.#exchange.bufferedAmount;
  }

  write(bytes: Uint8Array): void {
    this.#quietTicks = 0;
    this.#exchange.write(bytes);
  }

  /** The exchange says by itself when it has drained. */
  watchDrain(): void {}

  pump(): void {
    this.#subscription.pump();
  }

  sayGap(from: number, to: number, reason: string): void {
    const { epoch } = this.#topic.position;
    const gap = { type: "gap", topic: this.#topic.name, epoch, from, to, reason };
    this.write(Buffer.from(`data: ${JSON.stringify(gap)}\n\n`));
  }

  /** A comment now and then keeps proxies from taking the stream for dead. */
  beat(): void {
    this.#quietTicks += 1;
    if (this.#quietTicks > 1) this.write(Buffer.from(":\n\n"));
  }

  close(): void {
    this.#subscription.end();
  }
}

function answerState(
  exchange: LiveExchange,
  { topic, view, walk }: { topic: Topic; view: View; walk: Walk },
): void {
  const etag = etagOf(topic.position);
  if (exchange.header("if-none-match") === etag) return exchange.answer(304, { ETag: etag }, "");
  const entries: TopicEvent[] = [...view.entriesAfter(walk)];
  const { epoch, offset } = topic.position;
  const head = JSON.stringify({ topic: topic.name, kind: topic.kind, epoch, offset }).slice(0, -1);
  const name = topic.kind === "keyed" ? `"complete":${walk.complete},"entries"` : '"events"';
  const body = `${head},${name}:${entriesText(entries)}}`;
  exchange.answer(200, { ...JSON_HEADERS, ETag: etag }, body);
}

/** Everything that is kept: a keyed topic's state, a log topic's recent events. */
function historyWalk(topic: Topic): Walk {
  return { reached: 0, base: topic.position.offset, complete: true };
}

/** A log topic that cannot be continued answers with all it has. */
function missedWalk(topic: Topic, walk: Walk): Walk {
  return topic.kind === "log" && walk.complete ? historyWalk(topic) : walk;
}

/** A client that cannot be continued from where it was is answered at once, whatever there is. */
function hasNews(topic: Topic, view: View, walk: Walk, recovered: string): boolean {
  if (recovered !== "resumed") return true;
  return topic.position.offset > walk.reached && !view.entriesAfter(walk).next().done;
}

function paramsOf(query: URLSearchParams): Params {
  return Object.fromEntries([...query].filter(([name]) => !RESERVED.has(name)));
}

function sinceOf(query: URLSearchParams): Position | undefined {
  const epoch = query.get("epoch");
  const text = query.get("offset");
  if (epoch === null && text === null) return undefined;
  const offset = text === null ? undefined : parseOffset(text);
  if (epoch === null || offset === undefined) {
    throw new LiveError("bad_request", "Give epoch and offset together, as an answer had them.");
  }
  return { epoch, offset };
}

function waitOf(query: URLSearchParams): number {
  const text = query.get("wait");
  if (text === null) return 0;
  const wait = /^\d{1,6}$/.test(text) ? Number(text) : undefined;
  if (wait === undefined) {
    throw new LiveError("bad_request", `wait must be whole seconds, 0 to ${MAX_WAIT_S}.`);
  }
  return Math.min(wait, MAX_WAIT_S);
}

function etagOf(position: Position): string {
  return `"${formatPosition(position)}"`;
}

const JSON_HEADERS = {
  "Content-Type": "application/json; charset=utf-8",
  // The next request asks whether it has changed.
  "Cache-Control": "no-cache",
};

function refuse(exchange: LiveExchange, error: unknown): void {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && typeof message === "string" && Object.hasOwn(STATUS, code)) {
    answerError(exchange, STATUS[code as LiveErrorCode], { code, message });
    return;
  }
  throw error;
}

function answerError(
  exchange: LiveExchange,
  status: number,
  body: { code: string; message: string },
  headers: Record<string, string> = {},
): void {
  exchange.answer(status, { ...JSON_HEADERS, ...headers }, JSON.stringify(body));
}
