import { LiveError } from "./live-error.ts";
import type { Offset } from "./position.ts";

/** What is to be appended to a topic. */
export interface EventDraft {
  /** Keyed topics need it, log topics have none. */
  key?: string | undefined;
  /** Anything that JSON can hold; of no meaning when `removed`. */
  data?: unknown;
  removed?: boolean;
  /** The same key within the window means the same event, however often it is sent. */
  idempotencyKey?: string | undefined;
}

/** An event in a topic's log; it never changes. */
export interface TopicEvent {
  readonly offset: Offset;
  readonly key: string | undefined;
  readonly data: unknown;
  /** `data` as JSON, written once for all encodings; `"null"` when `removed`. */
  readonly json: string;
  readonly removed: boolean;
  /** When it was appended, in ms since the Unix epoch. */
  readonly at: number;
}

/** @throws LiveError `invalid_data` for what JSON cannot hold */
export function eventOf(draft: EventDraft, offset: Offset, at: number): TopicEvent {
  const removed = draft.removed === true;
  const data = removed ? null : draft.data;
  return { offset, key: draft.key, data, json: jsonOf(data), removed, at };
}

function jsonOf(data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data) as string | undefined;
  } catch {
    json = undefined;
  }
  if (json !== undefined) return json;
  throw new LiveError("invalid_data", "The data is nothing that JSON can hold; give some that is.");
}
