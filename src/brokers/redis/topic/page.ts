import {
  keptEvent,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../topics/index.ts";
import type { Reply } from "../link/link.ts";

/** An event, and when it was appended by the clock of Redis, in µs. */
export interface Entry {
  readonly event: TopicEvent;
  readonly stamp: string;
}

/** The result of reading a topic. */
export interface Page {
  epoch: string;
  /** The newest offset of the topic. */
  offset: Offset;
  floor: Offset;
  /** Whether some events after the requested position are gone. */
  missed: boolean;
  more: boolean;
  entries: Entry[];
}

/** Parses the result of the script `read`. */
export function pageOf(reply: Reply, kind: TopicDeclaration["kind"]): Page {
  const [, epoch, offset, floor, , , missed, more, ...fields] = reply;
  const entries: Entry[] = [];
  for (let at = 0; at < fields.length; at += 4) {
    const [number, stamp = "", key, json = ""] = fields.slice(at, at + 4).map(String);
    const ownKey = kind === "keyed" ? key : undefined;
    entries.push(entryOf({ offset: Number(number), stamp, key: ownKey, json }));
  }
  return {
    epoch: String(epoch),
    offset: Number(offset),
    floor: Number(floor),
    missed: missed === 1,
    more: more === 1,
    entries,
  };
}

/** @param kept as stored in Redis: an empty `json` removes the key */
export function entryOf(kept: {
  offset: Offset;
  stamp: string;
  key: string | undefined;
  json: string;
}): Entry {
  const { offset, stamp, key, json } = kept;
  const at = Math.floor(Number(stamp) / 1_000);
  const removed = json === "";
  const event = keptEvent({ offset, key, json: removed ? "null" : json, removed, at });
  return { event, stamp };
}
