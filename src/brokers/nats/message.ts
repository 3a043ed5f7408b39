import { keptEvent, type TopicDeclaration, type TopicEvent } from "../../live/index.ts";
import { textOf } from "./names.ts";
import type { Delivery } from "./tail.ts";

/** Says that a message removes its key, in words for who looks into the stream. */
export const REMOVED = "Longwire-Removed";
/** For how long a message's key lives unless that is renewed. */
export const LEASE = "Longwire-Lease-Ms";

/** An event as a stream has it. */
export interface Entry {
  readonly event: TopicEvent;
  /** When it was stored, in ns; with the offset it says which event it is. */
  readonly stamp: string;
  readonly leaseMs: number | undefined;
}

export function entryOf(
  { message, offset, stamp }: Delivery,
  kind: TopicDeclaration["kind"],
): Entry {
  const { subject, headers } = message;
  const key = kind === "keyed" ? textOf(subject.slice(subject.lastIndexOf(".") + 1)) : undefined;
  const removed = message.data.length === 0;
  const json = removed ? "null" : message.string();
  const lease = headers?.get(LEASE) ?? "";
  return {
    event: keptEvent({ offset, key, json, removed, at: Number(stamp.slice(0, -6)) }),
    stamp,
    leaseMs: lease === "" ? undefined : Number(lease),
  };
}

/** Writes a time of JetStream's API as a stamp. */
export function stampOf(time: string): string {
  const [seconds = "", fraction = ""] = time.replace("Z", "").split(".");
  const ms = Date.parse(`${seconds}Z`);
  return `${ms / 1_000}${fraction.padEnd(9, "0")}`;
}
