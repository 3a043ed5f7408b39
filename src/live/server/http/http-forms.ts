import { type Timer, wallTimeOf } from "../../../base/index.ts";
import {
  freshWalk,
  hasEntry,
  inTurn,
  LiveError,
  type LiveErrorCode,
  type Offset,
  type Params,
  pageBefore,
  parsePosition,
  type Position,
  recover,
  type Recovery,
  REQUEST_BYTES,
  REQUEST_UNITS,
  startOf,
  type Topic,
  type TopicEntry,
  type View,
  type Walk,
} from "../../../topics/index.ts";
import { MAX_STREAM_MS } from "../limits.ts";
import { draftOf, fieldsOf } from "../../wire/client-message.ts";
import { endAtOnce, EventStream } from "./event-stream.ts";
import { boundsOf } from "../history.ts";
import { readQuery, type TopicQuery } from "./http-query.ts";
import type { LiveExchange } from "../live-peer.ts";
import { payerOf, type Caller } from "../sessions/caller.ts";
import { shownCredentials } from "../access/credentials.ts";
import { onExpiry } from "../access/expiry.ts";
import { addressOf, heldByRequest, payAs } from "../access/paying.ts";
import { permitToRead } from "../access/permit.ts";
import { openToPublish, publish, requirePublishable, requireTopic } from "../publish.ts";
import { SessionIdentity } from "../sessions/session-identity.ts";
import type { ConnectedClient, ClientInfo } from "../sessions/connected-client.ts";
import { OpenExchange } from "./open-exchange.ts";
import { etagOf, StateAnswer, stateEncoding, type State } from "./state-answer.ts";
import type { LiveCore } from "../sessions/session.ts";

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

/** Maps the HTTP server's body errors to codes for clients. */
const CODES_OF_SERVER: Readonly<Record<string, LiveErrorCode>> = {
  over_share: "rate_limited",
  body_timeout: "bad_request",
};

function isKnown(code: string): boolean {
  return Object.hasOwn(STATUS, code) || Object.hasOwn(CODES_OF_SERVER, code);
}

/** Headers that advise the client what to do. (RFC 9110 §10.2.3, §11.6.1) */
const HINTS: Record<number, Record<string, string>> = {
  401: { "WWW-Authenticate": "Bearer" },
  429: { "Retry-After": "1" },
  503: { "Retry-After": "1" },
};

/** Serves topics over plain HTTP: state, long poll, server-sent events, publish. */
export class HttpForms {
  readonly #core: LiveCore;
  readonly #population: () => number;
  /** The streams and long polls. */
  readonly #open = new Set<OpenExchange>();

  /** @param population returns the number of connected clients, including streams */
  constructor(core: LiveCore, population: () => number) {
    this.#core = core;
    this.#population = population;
  }

  /** @param name the topic's name */
  async answer(exchange: LiveExchange, name: string): Promise<void> {
    try {
      const caller = await this.#callerOf(exchange);
      this.#core.statistics.received += 1;
      this.#core.rates.count(caller);
      await this.#dispatch(exchange, name, caller);
    } catch (error) {
      // A client that disconnects while sending its body is not a failure.
      if (exchange.isOver) return;
      if (isStream(exchange) && isPassing(error)) endAtOnce(exchange, this.#returnAfter);
      else this.#refuse(exchange, error);
    }
  }

  /** The retry delay for a stream that is temporarily refused, in milliseconds. */
  get #returnAfter(): number {
    return this.#core.admission.returnAfter(this.#population());
  }

  /** The number of open streams. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** The clients whose answers have not ended. */
  get clients(): ReadonlySet<ConnectedClient> {
    return this.#open;
  }

  onDraining(): void {
    for (const open of this.#open) open.disconnect();
  }

  onTick(): void {
    for (const stream of this.#streams) stream.beat();
    for (const open of this.#open) if (open.isStream) this.#core.roster.announce(open);
  }

  readonly #streams = new Set<EventStream>();

  /** Authenticates the client. @throws LiveError `unauthorized` as a rejection */
  async #callerOf(exchange: LiveExchange): Promise<Caller> {
    const { tokenQuery, statistics, logins, ledger } = this.#core;
    const address = addressOf(exchange);
    const result = await logins.decide(shownCredentials(exchange, tokenQuery), address);
    if (result.kind === "known") {
      const { identity } = result;
      payAs(ledger, exchange.account, identity);
      const sharedRate = identity?.id ?? address;
      const { account } = exchange;
      return { connection: crypto.randomUUID(), identity, account, bucket: undefined, sharedRate };
    }
    statistics.unauthorized += 1;
    throw result.error;
  }

  async #dispatch(exchange: LiveExchange, name: string, caller: Caller): Promise<void> {
    if (exchange.method === "POST") return this.#post(exchange, name, caller);
    const entry = requireTopic(this.#core, name);
    if (exchange.method !== "GET" && exchange.method !== "HEAD") {
      const message = `The method is ${exchange.method}; use GET or POST.`;
      return answerError(exchange, 405, { code: "bad_request", message }, { Allow: "GET, POST" });
    }
    const query = readQuery(exchange.search, this.#core.tokenQuery);
    await permitToRead(entry, this.#core.authority, { caller, params: query.params });
    const topic = await this.#core.catalog.open(entry, payerOf(caller));
    const stream = isStream(exchange);
    const since = stream ? lastEventOf(exchange) : query.since;
    await topic.catchUpWith(since);
    // The client disconnected during authorization.
    if (exchange.isOver) return;
    if (query.before !== undefined) {
      if (stream) throw new LiveError("bad_request", "A stream cannot end with before; use last.");
      return this.#history(exchange, { topic, caller }, { ...query, before: query.before });
    }
    const start = await startFor(topic, { ...query, since }, caller);
    if (exchange.isOver) return;
    this.#requireTrusted(caller);
    if (stream)
      return this.#stream(exchange, { topic, caller, params: query.params, since, start });
    return this.#get(exchange, { topic, caller }, { ...query, start });
  }

  /**
   * Called when nothing is awaited any more: the identity may have been revoked meanwhile.
   *
   * @throws LiveError `unauthorized`, `unavailable`
   */
  #requireTrusted({ identity }: Caller): void {
    const refusal = this.#core.authenticator.refusalOf(identity);
    if (refusal !== undefined) throw refusal;
  }

  async #get(
    exchange: LiveExchange,
    { topic, caller }: { topic: Topic; caller: Caller },
    { params, since, wait, start }: TopicQuery & { start: Position | undefined },
  ): Promise<void> {
    const view = topic.view(params);
    topic.expire();
    const recovery = recover(topic, since, { view, start });
    if (recovery.kind === "ahead") {
      throw new LiveError("bad_request", "offset is ahead of the topic; leave it out.");
    }
    const missed = since !== undefined || start !== undefined;
    const walk = missed ? missedWalk(topic, recovery, start) : historyWalk(topic);
    if (since !== undefined && wait > 0 && recovery.kind === "resumed") {
      // A client that cannot resume gets an answer immediately, even without new events.
      return this.#longPoll(exchange, { topic, view, walk, wait, caller });
    }
    answerState(exchange, { topic, view, walk, gap: gapOf(topic, recovery, walk) });
  }

  async #history(
    exchange: LiveExchange,
    { topic, caller }: { topic: Topic; caller: Caller },
    {
      params,
      before,
      from,
    }: TopicQuery & { before: { offset: Offset; epoch?: string | undefined } },
  ): Promise<void> {
    if (from?.sinceMs !== undefined) {
      throw new LiveError("bad_request", "Send either before or sinceMs, not both.");
    }
    if (from?.last === 0) throw new LiveError("bad_request", "last is 0; give 1 or more.");
    const wanted = from?.last === "all" ? undefined : from?.last;
    const { until, last } = await boundsOf(topic, { before, last: wanted });
    const view = topic.view(params);
    const payer = payerOf(caller);
    const { start, more } = await pageBefore(topic, { before: until, last }, { view, payer });
    this.#requireTrusted(caller);
    if (exchange.isOver) return;
    const walk = { reached: start, base: start, complete: false, until };
    StateAnswer.send(exchange, { topic, view, walk, more });
  }

  async #post(exchange: LiveExchange, name: string, caller: Caller): Promise<void> {
    const entry = requirePublishable(this.#core, name);
    const body = await exchange.body(this.#core.limits.maxMessageBytes);
    const release = heldByRequest(caller, REQUEST_BYTES + body.length * 2);
    try {
      const receipt = await this.#publish(entry, body, caller);
      exchange.answer(201, JSON_HEADERS, JSON.stringify(receipt));
    } finally {
      release();
    }
  }

  async #publish(entry: TopicEntry, body: string, caller: Caller): Promise<object> {
    const { catalog } = this.#core;
    const cost = { payer: payerOf(caller), units: REQUEST_UNITS + body.length };
    const fields = await inTurn(catalog.slices, cost, () => fieldsOf(body));
    if (fields === undefined) {
      throw new LiveError("bad_request", "The body is not a JSON object; send one.");
    }
    const draft = draftOf(fields);
    if (typeof draft === "string") throw new LiveError("bad_request", draft);
    // Opened only now: a topic with no other user would be closed again during a slow body.
    const publishing = await openToPublish(this.#core, entry, { draft, caller });
    const receipt = await publish(this.#core, { ...publishing, caller }, undefined);
    return { topic: publishing.topic.name, ...receipt };
  }

  #refuse(exchange: LiveExchange, error: unknown): void {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== "string" || typeof message !== "string" || !isKnown(code)) {
      this.#core.report(error);
      const text = "The server failed on this request; try again later.";
      return answerError(exchange, 500, { code: "internal", message: text });
    }
    const publicCode = CODES_OF_SERVER[code] ?? (code as LiveErrorCode);
    this.#core.statistics.refused(publicCode);
    const status = code === "body_timeout" ? 408 : STATUS[publicCode];
    answerError(exchange, status, { code: publicCode, message }, HINTS[status]);
  }

  /** Answers when there is an event after `walk`, or with none when the wait is over. */
  async #longPoll(
    exchange: LiveExchange,
    poll: { topic: Topic; view: View; walk: Walk; wait: number; caller: Caller },
  ): Promise<void> {
    const { topic, view, walk, wait } = poll;
    let isOver = false;
    const finish = (news: boolean): void => {
      if (isOver) return;
      stop();
      if (news) answerState(exchange, { topic, view, walk });
      else exchange.answer(304, { ETag: etagOf(topic) }, "");
    };
    const end = (): void => finish(false);
    // It reads the view like any subscriber, so that events that do not match cost nothing.
    const reader = { onGrown: () => finish(true), onEnded: end };
    const shared = view.join(stateEncoding, reader);
    const timer: Timer = this.#core.wheel.after(wait * 1_000, end);
    const expiry = this.#onExpired(poll.caller, () => {
      stop();
      this.#refuse(exchange, expired());
    });
    const stop = (): void => {
      isOver = true;
      expiry?.cancel();
      view.leave(shared, reader);
      timer.cancel();
      this.#open.delete(open);
    };
    const { clock } = this.#core;
    const who: ClientInfo = {
      caller: poll.caller,
      address: addressIn(exchange),
      level: "http",
      openedAt: clock.now(),
      since: Math.floor(wallTimeOf(clock)),
    };
    const open = new OpenExchange(exchange, topic.name, { who, end });
    this.#open.add(open);
    exchange.onClosed(stop);
    const { payer = exchange.account } = exchange.account;
    const isBehind = topic.position.offset > walk.reached;
    if (isBehind && (await hasEntry(topic, { view, walk, payer }))) finish(true);
  }

  /** Ends a wait when the credentials expire, so that later events are not delivered to them. */
  #onExpired({ identity }: Caller, ended: () => void): Timer | undefined {
    if (identity?.expiresAt === undefined) return undefined;
    return onExpiry(this.#core, identity.expiresAt, ended);
  }

  #stream(
    exchange: LiveExchange,
    request: {
      topic: Topic;
      caller: Caller;
      params: Params;
      since: Position | undefined;
      start: Position | undefined;
    },
  ): void {
    const { topic, caller, params, since, start } = request;
    const refusal = this.#core.admission.refusal(this.#population());
    if (refusal !== undefined) throw new LiveError("unavailable", `${refusal}; try again later.`);
    const view = topic.view(params);
    // An EventSource repeats its own URL, so the position belongs to the same params.
    const recovery = recover(topic, since, { start });
    // The EventSource repeats the id automatically, so an id ahead of the log is not an error:
    // start over.
    const walk = recovery.kind === "ahead" ? freshWalk(topic) : recovery.walk;
    const { report, presence, statistics } = this.#core;
    statistics.starts[recovery.kind === "ahead" ? "fresh" : recovery.kind] += 1;
    const stream = new EventStream(exchange, { topic, view, walk }, report);
    const identity = new SessionIdentity(
      this.#core,
      { level: "http", account: exchange.account, address: addressIn(exchange) },
      () => exchange.end(),
    );
    identity.letIn(caller.identity);
    const open = new OpenExchange(exchange, topic.name, {
      who: identity,
      end: () => exchange.end(),
      isStream: true,
    });
    this.#core.roster.announce(open);
    presence.enter(topic, caller);
    const end = (): void => exchange.end();
    const age = this.#core.wheel.after(MAX_STREAM_MS, end);
    this.#streams.add(stream);
    this.#open.add(open);
    exchange.onClosed(() => {
      age.cancel();
      stream.close();
      identity.end();
      presence.leave(topic, caller);
      this.#streams.delete(stream);
      this.#open.delete(open);
      this.#core.roster.remove(open);
    });
    if (recovery.kind === "gap") stream.sendGap(recovery.from, recovery.to, recovery.reason);
    // The log has lost its end, and which events those were is unknown.
    if (recovery.kind === "ahead" && topic.kind === "log") stream.sendGap(1, walk.reached, "epoch");
    if (topic.kind === "log") stream.sendPosition(walk.reached);
    stream.pump();
  }
}

/** Where a reader that cannot resume starts. */
async function startFor(
  topic: Topic,
  { params, since, from }: TopicQuery,
  caller: Caller,
): Promise<Position | undefined> {
  if (from === undefined) return undefined;
  if (since !== undefined && recover(topic, since).kind === "resumed") return undefined;
  return startOf(topic, from, { view: topic.view(params), payer: payerOf(caller) });
}

function addressIn({ clientAddress, remoteAddress }: LiveExchange): string | undefined {
  return clientAddress ?? remoteAddress;
}

function answerState(exchange: LiveExchange, state: State): void {
  const etag = etagOf(state.topic);
  if (isAmong(etag, exchange.header("if-none-match"))) exchange.answer(304, { ETag: etag }, "");
  else StateAnswer.send(exchange, state);
}

/** Whether a failure is temporary, so that the client should retry. */
function isPassing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !isKnown(code)) return false;
  return ["unavailable", "rate_limited"].includes(CODES_OF_SERVER[code] ?? code);
}

function expired(): LiveError {
  return new LiveError("unauthorized", "The credentials have expired; send new ones.");
}

/** A HEAD response has no body to stream. */
function isStream(exchange: LiveExchange): boolean {
  const { method } = exchange;
  return method === "GET" && exchange.header("accept")?.includes("text/event-stream") === true;
}

/** The position in `Last-Event-ID`; `undefined` if it is missing or not a position. */
function lastEventOf(exchange: LiveExchange): Position | undefined {
  const last = exchange.header("last-event-id");
  return last === undefined ? undefined : parsePosition(last);
}

/** Everything that is retained: a keyed topic's state, a log topic's recent events. */
function historyWalk(topic: Topic): Walk {
  return { reached: 0, base: topic.position.offset, complete: true };
}

/** If a log topic cannot be resumed, the answer contains everything that is retained. */
function missedWalk(
  topic: Topic,
  { kind, walk }: Exclude<Recovery, { kind: "ahead" }>,
  start: Position | undefined,
): Walk {
  const isWhole = topic.kind === "log" && kind !== "resumed" && start === undefined;
  return isWhole ? historyWalk(topic) : walk;
}

/** The events that are missing even from an answer with everything retained. */
function gapOf(topic: Topic, recovery: Recovery, walk: Walk): object | undefined {
  if (recovery.kind !== "gap") return undefined;
  return { from: recovery.from, to: Math.max(topic.floor, walk.reached), reason: recovery.reason };
}

/**
 * Whether the client already has this version. Proxies turn our tags into weak ones. (RFC 9110
 * §13.1.2)
 */
function isAmong(etag: string, list = ""): boolean {
  const tags = list.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

const JSON_HEADERS = {
  "Content-Type": "application/json; charset=utf-8",
  // Caches must revalidate each time.
  "Cache-Control": "no-cache",
};

/** Answers a request that arrives while new clients are refused. */
export function answerUnavailable(exchange: LiveExchange, why: string, retryAfterMs: number): void {
  if (isStream(exchange)) return endAtOnce(exchange, retryAfterMs);
  const seconds = String(Math.ceil(retryAfterMs / 1_000));
  const message = `${why}; retry after the time in Retry-After.`;
  answerError(exchange, 503, { code: "unavailable", message }, { "Retry-After": seconds });
}

function answerError(
  exchange: LiveExchange,
  status: number,
  body: { code: string; message: string },
  headers: Record<string, string> = {},
): void {
  exchange.answer(status, { ...JSON_HEADERS, ...headers }, JSON.stringify(body));
}
