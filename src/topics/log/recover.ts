import type { Offset, ToldPosition } from "../position.ts";
import type { Topic } from "../topic.ts";
import type { View } from "../fan-out/view.ts";
import { freshWalk, walkFrom, type Walk } from "./walk.ts";

/** How a subscription starts: where its walk begins, and what must be sent first. */
export type Recovery =
  /** Everything after `since` follows. */
  | { kind: "resumed"; walk: Walk }
  /** A log topic's events from `from` to `to` are lost to this subscriber. */
  | { kind: "gap"; from: Offset; to: Offset; reason: "expired" | "epoch"; walk: Walk }
  /** A keyed topic's whole state follows, or a log topic's next event. */
  | { kind: "fresh"; walk: Walk }
  /** `since` is ahead of the topic: no server of this epoch can have sent it. */
  | { kind: "ahead" };

/**
 * Decides how a subscriber continues that has read up to `since`, or nothing.
 *
 * @param view the view that it reads from now on; if its position is from another view, the whole
 *   state is sent. Default: `since` is assumed to be from the same view
 */
export function recover(topic: Topic, since: ToldPosition | undefined, view?: View): Recovery {
  const { epoch, offset } = topic.position;
  if (since === undefined) return { kind: "fresh", walk: freshWalk(topic) };
  const isSameEpoch = since.epoch === epoch;
  if (isSameEpoch && since.offset > offset) return { kind: "ahead" };
  const isSameView = view?.hasTold(since) !== false;
  if (isSameEpoch && isSameView && since.offset >= topic.floor) {
    return { kind: "resumed", walk: walkFrom(since.offset) };
  }
  if (topic.kind === "keyed") return { kind: "fresh", walk: freshWalk(topic) };
  const walk = freshWalk(topic);
  if (isSameEpoch)
    return { kind: "gap", from: since.offset + 1, to: offset, reason: "expired", walk };
  // Epochs are not comparable: all of the current one was missed, and an unknown part of the other.
  // So a gap is sent even if the current epoch is empty and `to` is 0.
  return { kind: "gap", from: 1, to: offset, reason: "epoch", walk };
}
