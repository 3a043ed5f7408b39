import {
  keptEvent,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { textOf } from "./names.ts";
import type { Delivery } from "./tail.ts";

/** Says that a message removes its key, in words for who looks into the stream. */
export const REMOVED = "Longwire-Removed";
/** For how long a message's key lives unless that is renewed. */
export const LEASE = "Longwire-Lease-Ms";
/** The idempotency key, written as a subject's part is. */
export const ONCE = "Longwire-Once";
/** The offset that the key's newest value has to have, or 0 if the key must have no value. */
export const IF_NEWEST = "Longwire-If-Newest";
/** Marks a copy of an older event: that event's offset, and when it was stored, in ms. */
export const COPY_OF = "Longwire-Copy-Of";

/** A message of a topic's stream. */
export interface Entry {
  /** Where it stands in the stream. */
  readonly position: Offset;
  /** When it was stored, in ns; with the position it identifies the message. */
  readonly stamp: string;
  /** What it appends, if that counts; of a copy the event that it is a copy of. */
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

/** Reads a stamp as ms since the Unix epoch. */
function msOf(stamp: string): number {
  return Number(stamp.slice(0, -6));
}

/** Writes a time of JetStream's API as a stamp. */
export function stampOf(time: string): string {
  const [seconds = "", fraction = ""] = time.replace("Z", "").split(".");
  const ms = Date.parse(`${seconds}Z`);
  return `${ms / 1_000}${fraction.padEnd(9, "0")}`;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
