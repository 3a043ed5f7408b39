import type { Offset, Position, ToldPosition } from "../position.ts";
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

/** How a subscriber reads from now on. */
interface Reading {
  /**
   * If its position is from another view, the whole state is sent. Default: `since` is assumed to be
   * from the same view.
   */
  readonly view?: View;
  /**
   * Where a reader of a log topic starts if it cannot resume; ignored if the log was replaced since.
   * Default: after the newest event.
   */
  readonly start?: Position | undefined;
}

/** Decides how a subscriber continues that has read up to `since`, or nothing. */
export function recover(
  topic: Topic,
  since: ToldPosition | undefined,
  { view, start }: Reading = {},
): Recovery {
  const { epoch, offset } = topic.position;
  const fresh = start?.epoch === epoch ? startingWalk(topic, start) : freshWalk(topic);
  if (since === undefined) return { kind: "fresh", walk: fresh };
  const isSameEpoch = since.epoch === epoch;
  if (isSameEpoch && since.offset > offset) return { kind: "ahead" };
  const isSameView = view?.hasTold(since) !== false;
  if (isSameEpoch && isSameView && since.offset >= topic.floor) {
    return { kind: "resumed", walk: walkFrom(since.offset) };
  }
  if (topic.kind === "keyed") return { kind: "fresh", walk: fresh };
  // Events that follow are not lost.
  const gap = { kind: "gap", to: Math.min(offset, fresh.reached), walk: fresh } as const;
  if (isSameEpoch) return { ...gap, from: since.offset + 1, reason: "expired" };
  // Epochs are not comparable: all of the current one was missed, and an unknown part of the other.
  // So a gap is sent even if the current epoch is empty and `to` is 0.
  return { ...gap, from: 1, reason: "epoch" };
}

/** Some of the events may have expired while the start was looked for. */
function startingWalk({ floor }: Topic, { offset }: Position): Walk {
  return walkFrom(Math.max(offset, floor));
}
