import type { Offset, Position } from "../../topics/index.ts";
import type { FeedStatus } from "./feed.ts";

/** There is none, and none is wanted. */
export type Over = Extract<FeedStatus, { state: "closed" | "ended" }>;

export interface Asked {
  state: "asked";
  id: number;
  since: Position | undefined;
  /** The server has refused the position from which it was to go on. */
  isCutOff: boolean;
}

export interface Following {
  state: "following";
  epoch: string;
  /** Whether it begins with a snapshot or a gap that has not come yet. */
  isOwed: boolean;
  /** It is caught up when its position has come here. */
  target: Offset;
}

/** How its subscription stands with the server. */
export type SubscriptionState =
  | Over
  /** The position from which to go on is being loaded. */
  | { state: "loading" }
  /** To be asked for when the link is open, and if it was refused for a time, after that. */
  | { state: "off" }
  | Asked
  | Following
  /** Unsubscribed until the readers have handled what they have. */
  | { state: "paused" };
