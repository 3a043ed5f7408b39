import type { MemoryAccount } from "../base/index.ts";
import { jsonOf } from "./json/json-data.ts";
import type { Offset } from "./position.ts";

/** An event to append to a topic. */
export interface EventDraft {
  /** Required for keyed topics, absent for log topics. */
  key?: string | undefined;
  /** Anything that JSON can represent; ignored with `removed` or `json`. */
  data?: unknown;
  /** The data as JSON: while it waits, it takes a tenth of the memory of the value. */
  json?: string;
  removed?: boolean;
  /** Events with the same key within the window are stored once, however often they are sent. */
  idempotencyKey?: string | undefined;
  /**
   * Removes the key after this time in milliseconds, unless it has changed or its lease was
   * renewed.
   */
  leaseMs?: number;
  /**
   * Appends only if this is the offset of the key's newest event; otherwise fails with `conflict`.
   */
  ifNewest?: Offset;
  /**
   * Pays for what a broker in this process keeps of the event: its idempotency key and, for a topic
   * of a pattern, the event itself. Absent if the server's own code publishes.
   */
  payer?: MemoryAccount;
}

/** An event in a topic's log. It never changes. */
export interface TopicEvent<Data = unknown> {
  readonly offset: Offset;
  readonly key: string | undefined;
  /**
   * The data as parsed from `json`, which is what subscribers receive; not the published object.
   */
  readonly data: Data;
  /** `data` as JSON, serialized once for all encodings; `"null"` if `removed`. */
  readonly json: string;
  readonly removed: boolean;
  /** When it was appended, in ms since the Unix epoch. */
  readonly at: number;
}

/** Creates an event. @throws LiveError `invalid_data` for what JSON cannot represent */
export function eventOf(draft: EventDraft, offset: Offset, at: number): TopicEvent {
  const removed = draft.removed === true;
  const json = removed ? "null" : (draft.json ?? jsonOf(draft.data));
  return new LoggedEvent({ offset, key: draft.key, json, removed, at });
}

/** Restores an event that a broker has stored; `eventOf` has already checked it. */
export function keptEvent(kept: Omit<TopicEvent, "data">): TopicEvent {
  return new LoggedEvent(kept);
}

/** The same event, as seen by subscribers for whom the key is gone. */
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
 * Parses its data from the JSON on each access. The publisher may change the original object, and
 * `match` must always see the same value; and a parsed value takes up to 60 times its JSON, so the
 * event does not keep it.
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

/**
 * The two values parsed last: an event passes through many views, together with the one it
 * replaced.
 */
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

/** Drops the parsed values at the end of the current task, because they may be very large. */
function forgetSoon(): void {
  if (isForgetting) return;
  isForgetting = true;
  queueMicrotask(() => {
    latest = previous = lastRemoval = undefined;
    isForgetting = false;
  });
}
