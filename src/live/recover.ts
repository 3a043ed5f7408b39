import type { Offset, Position } from "./position.ts";
import type { Topic } from "./topic.ts";
import type { Walk } from "./view.ts";

/** How a subscription starts: where its walk begins, and what must be said first. */
export type Recovery =
  /** Everything after `since` follows. */
  | { kind: "resumed"; walk: Walk }
  /** A log topic's events from `from` to `to` are lost to this subscriber. */
  | { kind: "gap"; from: Offset; to: Offset; reason: "expired" | "epoch"; walk: Walk }
  /** A keyed topic's whole state follows, or a log topic's next event. */
  | { kind: "fresh"; walk: Walk }
  /** `since` is ahead of the topic: no server of this epoch can have given it. */
  | { kind: "ahead" };

/** Decides how a subscriber goes on that had read up to `since`, or nothing. */
export function recover(topic: Topic, since: Position | undefined): Recovery {
  const { epoch, offset } = topic.position;
  if (since === undefined) return { kind: "fresh", walk: freshWalk(topic) };
  const isSameEpoch = since.epoch === epoch;
  if (isSameEpoch && since.offset > offset) return { kind: "ahead" };
  if (isSameEpoch && since.offset >= topic.floor) {
    const walk = { reached: since.offset, base: since.offset, complete: false };
    return { kind: "resumed", walk };
  }
  if (topic.kind === "keyed") return { kind: "fresh", walk: freshWalk(topic) };
  const walk = freshWalk(topic);
  // Of another epoch nothing is comparable: all of the present one is what was missed.
  const from = isSameEpoch ? since.offset + 1 : 1;
  const reason = isSameEpoch ? "expired" : "epoch";
  return offset >= from ? { kind: "gap", from, to: offset, reason, walk } : { kind: "fresh", walk };
}

/** A keyed topic is told from its beginning, a log topic from now on. */
export function freshWalk(topic: Topic): Walk {
  const { offset } = topic.position;
  const reached = topic.kind === "keyed" ? 0 : offset;
  return { reached, base: offset, complete: true };
}
