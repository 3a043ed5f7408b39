import type { MemoryAccount } from "../base/index.ts";
import { jsonOf } from "./json/json-data.ts";
import type { Offset } from "./position.ts";

/** What is to be appended to a topic. */
export interface EventDraft {
  /** Keyed topics need it, log topics have none. */
  key?: string | undefined;
  /** Anything that JSON can hold; of no meaning when `removed`, or beside `json`. */
  data?: unknown;
  /** The data as JSON already: it costs a tenth of the value in memory while it waits. */
  json?: string;
  removed?: boolean;
  /** The same key within the window means the same event, however often it is sent. */
  idempotencyKey?: string | undefined;
  /** Removes the key again after this time, unless it has changed or its lease was renewed. */
  leaseMs?: number;
  /** Appends only while this is the offset of the key's newest event; else it is a `conflict`. */
  ifNewest?: Offset;
  /**
   * Pays for what a broker keeps of it in this process: its idempotency key, and in a topic of a
   * pattern the event. Nothing for what the server's own code publishes.
   */
  payer?: MemoryAccount;
}

/** An event in a topic's log; it never changes. */
export interface TopicEvent<Data = unknown> {
  readonly offset: Offset;
  readonly key: string | undefined;
  /** What `json` says, so what subscribers get, and not the object that was published. */
  readonly data: Data;
  /** `data` as JSON, written once for all encodings; `"null"` when `removed`. */
  readonly json: string;
  readonly removed: boolean;
  /** When it was appended, in ms since the Unix epoch. */
  readonly at: number;
}

/** @throws LiveError `invalid_data` for what JSON cannot hold */
export function eventOf(draft: EventDraft, offset: Offset, at: number): TopicEvent {
  const removed = draft.removed === true;
  const json = removed ? "null" : (draft.json ?? jsonOf(draft.data));
  return new LoggedEvent({ offset, key: draft.key, json, removed, at });
}

/** An event as a broker has kept it: what `eventOf` made, of which nothing needs a check. */
export function keptEvent(kept: Omit<TopicEvent, "data">): TopicEvent {
  return new LoggedEvent(kept);
}

/** The same event, as those see it for whom its key is gone. */
export function asRemoved(event: TopicEvent): TopicEvent {
  if (event.removed) return event;
  if (lastRemoval?.of === event) return lastRemoval.seen;
  const { offset, key, at } = event;
  const seen = new LoggedEvent({ offset, key, json: "null", removed: true, at });
  lastRemoval = { of: event, seen };
  forgetSoon();
  return seen;
}

/**
 * Its data is read from the JSON whenever it is asked for. Whoever published an object may change
 * it afterwards, and `match` must see the same of an event at any time; and a parsed value costs up
 * to 60 times its JSON, so an event does not keep it.
 */
class LoggedEvent implements TopicEvent {
  readonly offset: Offset;
  readonly key: string | undefined;
  readonly json: string;
  readonly removed: boolean;
  readonly at: number;

  constructor({ offset, key, json, removed, at }: Omit<TopicEvent, "data">) {
    this.offset = offset;
    this.key = key;
    this.json = json;
    this.removed = removed;
    this.at = at;
  }

  get data(): unknown {
    return this.removed ? null : parsed(this);
  }
}

interface Parsed {
  readonly event: TopicEvent;
  readonly data: unknown;
}

/** What was parsed last, and before it: an event that goes through many views, and what it replaced. */
let latest: Parsed | undefined;
let previous: Parsed | undefined;
let lastRemoval: { readonly of: TopicEvent; readonly seen: TopicEvent } | undefined;
let isForgetting = false;

function parsed(event: TopicEvent): unknown {
  if (latest?.event === event) return latest.data;
  if (previous?.event === event) return previous.data;
  previous = latest;
  latest = { event, data: JSON.parse(event.json) };
  forgetSoon();
  return latest.data;
}

/** At the end of the present task, because a parsed value may be very large. */
function forgetSoon(): void {
  if (isForgetting) return;
  isForgetting = true;
  queueMicrotask(() => {
    latest = previous = lastRemoval = undefined;
    isForgetting = false;
  });
}
