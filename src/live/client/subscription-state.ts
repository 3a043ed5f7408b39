import type { Offset, Position } from "../../topics/index.ts";
import type { FeedStatus } from "./feed.ts";

/** Not subscribed, and not meant to be. */
export type Over = Extract<FeedStatus, { state: "closed" | "ended" }>;

export interface Asked {
  state: "asked";
  id: number;
  since: Position | undefined;
  /** Whether the server refused the position from which to resume. */
  isCutOff: boolean;
}

export interface Following {
  state: "following";
  epoch: string;
  /** Whether it starts with a snapshot or a gap that has not arrived yet. */
  isOwed: boolean;
  /** It has caught up when its position reaches this offset. */
  target: Offset;
}

/** The state of a feed's subscription. */
export type SubscriptionState =
  | Over
  /** The position from which to resume is being loaded. */
  | { state: "loading" }
  /** To be requested when the link is open and, after a temporary refusal, the delay is over. */
  | { state: "off" }
  | Asked
  | Following
  /** Unsubscribed until the readers have handled their queues. */
  | { state: "paused" };
