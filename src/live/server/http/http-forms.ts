import type { Timer } from "../../../base/index.ts";
import {
  freshWalk,
  hasEntry,
  inTurn,
  LiveError,
  type LiveErrorCode,
  type Params,
  parsePosition,
  type Position,
  recover,
  type Recovery,
  REQUEST_BYTES,
  REQUEST_UNITS,
  type Topic,
  type TopicEntry,
  type View,
  type Walk,
} from "../../../topics/index.ts";
import { MAX_STREAM_MS } from "../limits.ts";
import { draftOf, fieldsOf } from "../../wire/client-message.ts";
import { endAtOnce, EventStream } from "./event-stream.ts";
import { readQuery, type TopicQuery } from "./http-query.ts";
import type { LiveExchange } from "../live-peer.ts";
import { payerOf, type Caller } from "../sessions/caller.ts";
import { shownCredentials } from "../access/credentials.ts";
import { onExpiry } from "../access/expiry.ts";
import { noCredentials } from "../access/authenticator.ts";
import { addressOf, heldByRequest, payAs } from "../access/paying.ts";
import { permitToRead } from "../access/permit.ts";
import { permitToPublish, publish, requireTopic } from "../publish.ts";
import { SessionIdentity } from "../sessions/session-identity.ts";
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

/** What the server below reports of a body, as clients are told it. */
const CODES_OF_SERVER: Readonly<Record<string, LiveErrorCode>> = {
  over_share: "rate_limited",
  body_timeout: "bad_request",
};

function isKnown(code: string): boolean {
  return Object.hasOwn(STATUS, code) || Object.hasOwn(CODES_OF_SERVER, code);
}

/** What a client should do about it. (RFC 9110 §10.2.3, §11.6.1) */
const HINTS: Record<number, Record<string, string>> = {
  401: { "WWW-Authenticate": "Bearer" },
  429: { "Retry-After": "1" },
  503: { "Retry-After": "1" },
};

/** The topics over plain HTTP: state, long poll, server-sent events, publish. */
export class HttpForms {
  readonly #core: LiveCore;
  readonly #population: () => number;
  /** How to end each request that is still open, when the server drains. */
  readonly #open = new Set<() => void>();

  /** @param population how many are connected, streams among them */
  constructor(core: LiveCore, population: () => number) {
    this.#core = core;
    this.#population = population;
  }

  /** @param name the topic's */
  async answer(exchange: LiveExchange, name: string): Promise<void> {
    try {
      const caller = await this.#callerOf(exchange);
      this.#core.statistics.received += 1;
      this.#core.rates.count(caller);
      await this.#dispatch(exchange, name, caller);
    } catch (error) {
      // A client that goes away in the middle of its body is no failure.
      if (exchange.isOver) return;
      if (isStream(exchange) && isPassing(error)) endAtOnce(exchange, this.#returnAfter);
      else this.#refuse(exchange, error);
    }
  }

  /** When a stream that is refused for a time is to be asked for again. */
  get #returnAfter(): number {
    return this.#core.admission.returnAfter(this.#population());
  }

  /** How many streams are open. */
  get streamCount(): number {
    return this.#streams.size;
  }

  onDraining(): void {
    for (const end of this.#open) end();
  }

  onTick(): void {
    for (const stream of this.#streams) stream.beat();
  }

  readonly #streams = new Set<EventStream>();

  /** Who asks. @throws LiveError `unauthorized` as a rejection */
  async #callerOf(exchange: LiveExchange): Promise<Caller> {
    const { authenticator, tokenQuery, statistics, logins, ledger } = this.#core;
    const address = addressOf(exchange);
    const refusal = authenticator.isAsking ? logins.refusal(address) : undefined;
    if (refusal !== undefined) throw refusal;
    const result = await authenticator.check(shownCredentials(exchange, tokenQuery));
    if (result.kind === "known") {
      const { identity } = result;
      payAs(ledger, exchange.account, identity);
      const sharedRate = identity?.id ?? address;
      const { account } = exchange;
      return { connection: crypto.randomUUID(), identity, account, bucket: undefined, sharedRate };
    }
    statistics.unauthorized += 1;
    const error = result.kind === "refused" ? result.error : noCredentials();
    if (error.code === "unauthorized") logins.onFailed(address);
    throw error;
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
    // It went away while leave was asked for.
    if (exchange.isOver) return;
    if (stream) return this.#stream(exchange, { topic, caller, params: query.params, since });
    return this.#get(exchange, { topic, caller }, query);
  }

  async #get(
    exchange: LiveExchange,
    { topic, caller }: { topic: Topic; caller: Caller },
    { params, since, wait }: TopicQuery,
  ): Promise<void> {
    const view = topic.view(params);
    topic.expire();
    const recovery = recover(topic, since, view);
    if (recovery.kind === "ahead") {
      throw new LiveError("bad_request", "offset is ahead of the topic; ask without it.");
    }
    const walk = since === undefined ? historyWalk(topic) : missedWalk(topic, recovery);
    if (since !== undefined && wait > 0 && recovery.kind === "resumed") {
      // A client that cannot be continued from where it was is answered at once, whatever there is.
      return this.#longPoll(exchange, { topic, view, walk, wait, caller });
    }
    answerState(exchange, { topic, view, walk, gap: gapOf(topic, recovery) });
  }

  async #post(exchange: LiveExchange, name: string, caller: Caller): Promise<void> {
    const entry = await permitToPublish(this.#core, name, caller);
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
    // Only now: while a body drips in, a topic that nobody else uses would be closed again.
    const topic = await catalog.open(entry, payerOf(caller));
    const receipt = await publish(this.#core, { topic, draft, caller }, undefined);
    return { topic: topic.name, ...receipt };
  }

  #refuse(exchange: LiveExchange, error: unknown): void {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== "string" || typeof message !== "string" || !isKnown(code)) {
      this.#core.report(error);
      const text = "The server failed on this request; try again later.";
      return answerError(exchange, 500, { code: "internal", message: text });
    }
    const told = CODES_OF_SERVER[code] ?? (code as LiveErrorCode);
    this.#core.statistics.refused(told);
    const status = code === "body_timeout" ? 408 : STATUS[told];
    answerError(exchange, status, { code: told, message }, HINTS[status]);
  }

  /** Answers as soon as there is something behind `walk`, or that there is nothing. */
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
    // As a reader of the view, so that an event costs nothing for those whom it does not concern.
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
      this.#open.delete(end);
    };
    this.#open.add(end);
    exchange.onClosed(stop);
    const { payer = exchange.account } = exchange.account;
    const isBehind = topic.position.offset > walk.reached;
    if (isBehind && (await hasEntry(topic, { view, walk, payer }))) finish(true);
  }

  /** Credentials that end while a client waits are no longer good for what comes then. */
  #onExpired({ identity }: Caller, ended: () => void): Timer | undefined {
    if (identity?.expiresAt === undefined) return undefined;
    return onExpiry(this.#core, identity.expiresAt, ended);
  }

  #stream(
    exchange: LiveExchange,
    request: { topic: Topic; caller: Caller; params: Params; since: Position | undefined },
  ): void {
    const { topic, caller, params, since } = request;
    const refusal = this.#core.admission.refusal(this.#population());
    if (refusal !== undefined) throw new LiveError("unavailable", `${refusal}; come back later.`);
    const view = topic.view(params);
    // What an EventSource repeats is of its own URL, and so of the same params.
    const recovery = recover(topic, since);
    // An id that is ahead is not the page's doing, its EventSource repeats it: start again instead.
    const walk = recovery.kind === "ahead" ? freshWalk(topic) : recovery.walk;
    const { report, presence, statistics } = this.#core;
    statistics.starts[recovery.kind === "ahead" ? "fresh" : recovery.kind] += 1;
    const stream = new EventStream(exchange, { topic, view, walk }, report);
    const standing = new SessionIdentity(
      this.#core,
      { level: "http", account: exchange.account },
      () => exchange.end(),
    );
    standing.letIn(caller.identity);
    presence.enter(topic, caller);
    const end = (): void => exchange.end();
    const age = this.#core.wheel.after(MAX_STREAM_MS, end);
    this.#streams.add(stream);
    this.#open.add(end);
    exchange.onClosed(() => {
      age.cancel();
      stream.close();
      standing.end();
      presence.leave(topic, caller);
      this.#streams.delete(stream);
      this.#open.delete(end);
    });
    if (recovery.kind === "gap") stream.sendGap(recovery.from, recovery.to, recovery.reason);
    // What it knows of is not there: the log has lost its end, and nobody can say what was in it.
    if (recovery.kind === "ahead" && topic.kind === "log") stream.sendGap(1, walk.reached, "epoch");
    if (topic.kind === "log") stream.sendPosition(walk.reached);
    stream.pump();
  }
}

function answerState(exchange: LiveExchange, state: State): void {
  const etag = etagOf(state.topic);
  if (isAmong(etag, exchange.header("if-none-match"))) exchange.answer(304, { ETag: etag }, "");
  else StateAnswer.send(exchange, state);
}

/** What passes by itself, so that a client should come back. */
function isPassing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !isKnown(code)) return false;
  return ["unavailable", "rate_limited"].includes(CODES_OF_SERVER[code] ?? code);
}

function expired(): LiveError {
  return new LiveError("unauthorized", "The credentials have expired; ask again with new ones.");
}

/** A HEAD has no body that could go on. */
function isStream(exchange: LiveExchange): boolean {
  const { method } = exchange;
  return method === "GET" && exchange.header("accept")?.includes("text/event-stream") === true;
}

/** How far an EventSource has come; nothing if it repeats what is no position. */
function lastEventOf(exchange: LiveExchange): Position | undefined {
  const last = exchange.header("last-event-id");
  return last === undefined ? undefined : parsePosition(last);
}

/** Everything that is kept: a keyed topic's state, a log topic's recent events. */
function historyWalk(topic: Topic): Walk {
  return { reached: 0, base: topic.position.offset, complete: true };
}

/** A log topic that cannot be continued answers with all it has. */
function missedWalk(topic: Topic, { kind, walk }: Exclude<Recovery, { kind: "ahead" }>): Walk {
  return topic.kind === "log" && kind !== "resumed" ? historyWalk(topic) : walk;
}

/** What even an answer with all there is does not have. */
function gapOf(topic: Topic, recovery: Recovery): object | undefined {
  if (recovery.kind !== "gap") return undefined;
  return { from: recovery.from, to: topic.floor, reason: recovery.reason };
}

/** Whether the client has this version already. Proxies make weak tags of ours. (RFC 9110 §13.1.2) */
function isAmong(etag: string, list = ""): boolean {
  const tags = list.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

const JSON_HEADERS = {
  "Content-Type": "application/json; charset=utf-8",
  // The next request asks whether it has changed.
  "Cache-Control": "no-cache",
};

/** A request that came while nobody is let in. */
export function answerUnavailable(exchange: LiveExchange, why: string, retryAfterMs: number): void {
  if (isStream(exchange)) return endAtOnce(exchange, retryAfterMs);
  const seconds = String(Math.ceil(retryAfterMs / 1_000));
  const message = `${why}; ask again after Retry-After.`;
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
