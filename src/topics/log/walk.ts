import type { Offset, Position } from "../position.ts";

/** Where a walk over a topic's log is. */
export interface Walk {
  /** Everything up to here has been told, or did not match. */
  readonly reached: Offset;
  /**
   * What the subscriber's state is based on. Keys without a matching value are told of, as
   * removed, only if they changed after it; before, the subscriber can't know them.
   */
  readonly base: Offset;
  /** Whether the whole state is told, and not only what changed after `base`. */
  readonly complete: boolean;
}

/** A keyed topic is told from its beginning, a log topic from now on. */
export function freshWalk(topic: { kind: "log" | "keyed"; position: Position }): Walk {
  const { offset } = topic.position;
  return { reached: topic.kind === "keyed" ? 0 : offset, base: offset, complete: true };
}

/** For a subscriber that has all up to `offset`. */
export function walkFrom(offset: Offset): Walk {
  return { reached: offset, base: offset, complete: false };
}
