import {
  keptEvent,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../topics/index.ts";
import { textOf } from "./names.ts";
import type { Delivery } from "../stream/tail.ts";

/** Marks the removal of a key, readable for people who inspect the stream. */
export const REMOVED = "Longwire-Removed";
/** How long the message's key lives unless it is renewed. */
export const LEASE = "Longwire-Lease-Ms";
/** The idempotency key, encoded as a subject token. */
export const ONCE = "Longwire-Once";
/** The required offset of the key's newest value; 0 if the key must have no value. */
export const IF_NEWEST = "Longwire-If-Newest";
/** Marks a copy of an older event: that event's offset, and when it was stored, in ms. */
export const COPY_OF = "Longwire-Copy-Of";

/** A message of a topic's stream. */
export interface Entry {
  /** Its position in the stream. */
  readonly position: Offset;
  /** When it was stored, in ns; together with the position, it identifies the message. */
  readonly stamp: string;
  /** The event that it appends, if it is valid; for a copy, the original event. */
  readonly event: TopicEvent;
  readonly isCopy: boolean;
  readonly leaseMs: number | undefined;
  readonly once: string | undefined;
  readonly ifNewest: Offset | undefined;
}

export function entryOf(
  { message, offset: position, stamp }: Delivery,
  kind: TopicDeclaration["kind"],
): Entry {
  const { subject, headers } = message;
  const header = (name: string): string | undefined => headers?.get(name) || undefined;
  const key = kind === "keyed" ? textOf(subject.slice(subject.lastIndexOf(".") + 1)) : undefined;
  const removed = message.data.length === 0;
  const json = removed ? "null" : message.string();
  const copyOf = header(COPY_OF)?.split(" ").map(Number);
  const [offset = position, at = msOf(stamp)] = copyOf ?? [];
  return {
    position,
    stamp,
    event: keptEvent({ offset, key, json, removed, at }),
    isCopy: copyOf !== undefined,
    leaseMs: numberOf(header(LEASE)),
    once: header(ONCE),
    ifNewest: numberOf(header(IF_NEWEST)),
  };
}

/** Converts a stamp to ms since the Unix epoch. */
function msOf(stamp: string): number {
  return Number(stamp.slice(0, -6));
}

/** Converts a time of JetStream's API to a stamp. */
export function stampOf(time: string): string {
  const [seconds = "", fraction = ""] = time.replace("Z", "").split(".");
  const ms = Date.parse(`${seconds}Z`);
  return `${ms / 1_000}${fraction.padEnd(9, "0")}`;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
