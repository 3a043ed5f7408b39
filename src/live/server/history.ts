import { utf8Length } from "../../base/index.ts";
import {
  inSlices,
  LiveError,
  PAGE_BYTES,
  type Params,
  type Position,
  requireLog,
  textBytes,
  type Topic,
  type TopicEvent,
} from "../../topics/index.ts";
import { heldByRequest, type Release } from "./access/paying.ts";
import { MAX_HISTORY_EVENTS } from "./limits.ts";
import { payerOf, type Caller } from "./sessions/caller.ts";
import { entryText } from "./sessions/encodings.ts";

/** A page of a log topic's past. */
export interface HistoryRequest {
  readonly params: Params;
  /** The events before this position; default: the newest ones. */
  readonly before: Position | undefined;
  /** The most events. Default `MAX_HISTORY_EVENTS`. */
  readonly last: number | undefined;
}

export interface HistoryPage {
  readonly epoch: string;
  /** The events as a JSON array, oldest first. */
  readonly events: string;
  /** Whether older events are kept. */
  readonly more: boolean;
}

/**
 * Reads a page of the events before a position, the nearest ones first. The caller is charged for the
 * events until the page is complete.
 *
 * @param maxBytes how long an event may be; a page with more than one has at most `PAGE_BYTES`
 * @throws LiveError `bad_request` for a keyed topic or a position ahead of the topic; `too_large`
 *   if not even one event fits; `rate_limited`
 */
export async function historyPage(
  topic: Topic,
  { params, before, last = MAX_HISTORY_EVENTS }: HistoryRequest,
  { caller, maxBytes }: { caller: Caller; maxBytes: number },
): Promise<HistoryPage> {
  requireLog(topic);
  await topic.catchUpWith(before);
  topic.expire();
  const view = topic.view(params);
  const { epoch, offset } = topic.position;
  // Events of another epoch cannot be compared with these.
  if (before !== undefined && before.epoch !== epoch) return { epoch, events: "[]", more: false };
  if (before !== undefined && before.offset > offset + 1) {
    throw new LiveError("bad_request", "before is ahead of the topic; leave it out.");
  }
  const page = new Page(Math.min(last, MAX_HISTORY_EVENTS), maxBytes, caller);
  const payer = payerOf(caller);
  const walk = { before: before?.offset ?? offset + 1, oldestAt: Number.NEGATIVE_INFINITY };
  const take = (event: TopicEvent): boolean => page.take(event);
  try {
    const end = await inSlices(topic, walk, { view, payer, take });
    const events = page.json;
    topic.slices.charge(payer, events.length);
    return { epoch, events, more: end === "enough" };
  } finally {
    page.release();
  }
}

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
    const text = entryText(event);
    const bytes = utf8Length(text);
    const isFirst = this.#texts.length === 0;
    if (!isFirst && bytes > this.#room) return false;
    if (bytes > this.#maxBytes) {
      const message = `The event ${event.offset} is longer than the maxMessage of your hello; raise it.`;
      throw new LiveError("too_large", message);
    }
    this.#releases.push(heldByRequest(this.#caller, textBytes(text)));
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
