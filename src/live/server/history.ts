import { utf8Length } from "../../base/index.ts";
import {
  inSlices,
  LiveError,
  type Offset,
  PAGE_BYTES,
  requireLog,
  textBytes,
  type Topic,
  type TopicEvent,
} from "../../topics/index.ts";
import type { ClientMessage } from "../wire/client-message.ts";
import { heldByRequest, type Release } from "./access/paying.ts";
import { permitToRead } from "./access/permit.ts";
import { MAX_HISTORY_EVENTS } from "./limits.ts";
import { payerOf, type Caller } from "./sessions/caller.ts";
import { requireTopic } from "./publish.ts";
import { entryText } from "./sessions/encodings.ts";
import type { LiveCore } from "./sessions/session.ts";

type HistoryRequest = Extract<ClientMessage, { type: "history" }>;

/** A page of a log topic's past, as a client asks for it. */
export interface PastRequest {
  /** The events before this position; without an epoch, of the present one. Default: the newest. */
  readonly before: { offset: Offset; epoch?: string | undefined } | undefined;
  /** The most events. Default `MAX_HISTORY_EVENTS`. */
  readonly last: number | undefined;
}

/** Where a page ends, and how many events it may have. */
interface PastBounds {
  readonly epoch: string;
  /** The page has events before this offset. */
  readonly until: Offset;
  readonly last: number;
}

/** @throws LiveError `bad_request` for a keyed topic or a position ahead of the topic */
export async function boundsOf(
  topic: Topic,
  { before, last = MAX_HISTORY_EVENTS }: PastRequest,
): Promise<PastBounds> {
  requireLog(topic);
  const { offset, epoch = topic.position.epoch } = before ?? {};
  if (offset !== undefined) await topic.catchUpWith({ epoch, offset });
  topic.expire();
  const newest = topic.position;
  const bounds = { epoch: newest.epoch, last: Math.min(last, MAX_HISTORY_EVENTS) };
  if (offset === undefined) return { ...bounds, until: newest.offset + 1 };
  // Events of another epoch cannot be compared with these.
  if (epoch !== newest.epoch) return { ...bounds, until: 0 };
  if (offset <= newest.offset + 1) return { ...bounds, until: offset };
  throw new LiveError("bad_request", "before is ahead of the topic; leave it out.");
}

interface Asking {
  readonly caller: Caller;
  /** The longest answer that the client accepts. */
  readonly maxBytes: number;
}

/**
 * Answers a `history` request: the events of a page, the nearest ones first to be taken. The caller
 * is charged for them until the page is complete.
 *
 * @throws LiveError as a rejection: `bad_request`; `forbidden`; `too_large` if not even one event
 *   fits; `rate_limited`
 */
export async function historyAnswer(
  core: LiveCore,
  { id, topic: name, params, ...past }: HistoryRequest,
  { caller, maxBytes }: Asking,
): Promise<string> {
  const entry = requireTopic(core, name);
  await permitToRead(entry, core.authority, { caller, params });
  const payer = payerOf(caller);
  const topic = await core.catalog.open(entry, payer);
  const { epoch, until, last } = await boundsOf(topic, past);
  const head = JSON.stringify({ type: "history", id, topic: name, epoch }).slice(0, -1);
  const page = new Page(last, maxBytes - utf8Length(head) - TAIL_BYTES, caller);
  const walk = { before: until, oldestAt: Number.NEGATIVE_INFINITY };
  const take = (event: TopicEvent): boolean => page.take(event);
  try {
    const end = await inSlices(topic, walk, { view: topic.view(params), payer, take });
    const events = page.json;
    topic.slices.charge(payer, events.length);
    return `${head},"events":${events},"more":${end === "enough"}}`;
  } finally {
    page.release();
  }
}

/** A text is part of the page, and then of the answer. */
const PAGE_COPIES = 2;

/** The end of an answer without its events, `,"events":[],"more":false}`, is shorter. */
const TAIL_BYTES = 32;

/** Collects events, newest first, until they are enough. */
class Page {
  readonly #texts: string[] = [];
  readonly #releases: Release[] = [];
  readonly #caller: Caller;
  readonly #maxBytes: number;
  #left: number;
  #room: number;

  constructor(events: number, maxBytes: number, caller: Caller) {
    this.#left = events;
    this.#maxBytes = maxBytes;
    this.#room = Math.min(PAGE_BYTES, maxBytes);
    this.#caller = caller;
  }

  take(event: TopicEvent): boolean {
    if (this.#left <= 0) return false;
    const isFirst = this.#texts.length === 0;
    // Before its text is made, which is long.
    if (!isFirst && event.json.length > this.#room) return false;
    const text = entryText(event);
    const bytes = utf8Length(text);
    if (!isFirst && bytes > this.#room) return false;
    if (bytes > this.#maxBytes) {
      const message = `The event ${event.offset} is longer than the maxMessage of your hello; raise it.`;
      throw new LiveError("too_large", message);
    }
    this.#releases.push(heldByRequest(this.#caller, PAGE_COPIES * textBytes(text)));
    this.#texts.push(text);
    this.#left -= 1;
    // With its comma.
    this.#room -= bytes + 1;
    return true;
  }

  /** The events as a JSON array, oldest first. */
  get json(): string {
    return `[${this.#texts.reverse().join(",")}]`;
  }

  release(): void {
    for (const release of this.#releases) release();
  }
}
