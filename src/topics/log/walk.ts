import type { Offset, Position } from "../position.ts";

/** A position in a walk over a topic's log. */
export interface Walk {
  /** Everything up to here has been sent, or did not match. */
  readonly reached: Offset;
  /**
   * The offset on which the subscriber's state is based. Keys without a matching value are sent as
   * removed only if they changed after it; the subscriber cannot know older ones.
   */
  readonly base: Offset;
  /** Whether the whole state is sent, and not only the changes after `base`. */
  readonly complete: boolean;
  /** The walk ends before this offset; default: at the end of the log. */
  readonly until?: Offset;
}

/** A keyed topic is sent from its beginning, a log topic from now on. */
export function freshWalk(topic: { kind: "log" | "keyed"; position: Position }): Walk {
  const { offset } = topic.position;
  return { reached: topic.kind === "keyed" ? 0 : offset, base: offset, complete: true };
}

/** A walk for a subscriber that has everything up to `offset`. */
export function walkFrom(offset: Offset): Walk {
  return { reached: offset, base: offset, complete: false };
}
