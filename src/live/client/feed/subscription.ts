import type { LongwireError } from "../../../base/index.ts";
import type { Offset, Position } from "../../../topics/index.ts";
import type { MessageOf } from "../../wire/index.ts";
import type { FeedStatus } from "./feed.ts";

/** Not subscribed, and not meant to be. */
export type Over = Extract<FeedStatus, { state: "closed" | "ended" }>;

export interface Asked {
  readonly state: "asked";
  readonly id: number;
  readonly since: Position | undefined;
  /** Whether the server refused the position from which to resume. */
  readonly isCutOff: boolean;
}

export interface Following {
  readonly state: "following";
  readonly epoch: string;
  /** Whether it starts with a snapshot or a gap that has not arrived yet. */
  readonly isOwed: boolean;
  /** It has caught up when its position reaches this offset. */
  readonly target: Offset;
}

/** A feed's subscription at the server. */
export type Subscription =
  | Over
  /** The position from which to resume is being loaded. */
  | { readonly state: "loading" }
  /** To be requested when the link is open and, after a temporary refusal, the delay is over. */
  | { readonly state: "off" }
  | Asked
  | Following
  /** Unsubscribed until the readers have handled their queues. */
  | { readonly state: "paused" };

export type SubscriptionEvent =
  /** The feed has a reader; a position to resume from may be stored. */
  | { readonly type: "wanted"; readonly isStored: boolean }
  | { readonly type: "loaded" }
  /** The link is open, or the delay is over. */
  | { readonly type: "ready" }
  /** It is requested now. */
  | (Omit<Asked, "state"> & { readonly type: "asked" })
  /** Nothing that was requested on this connection will be answered. */
  | { readonly type: "lost" }
  /** The queues of the readers are full, or have become empty. */
  | { readonly type: "full" | "drained" }
  /** `hasView`: there is a state that the events of a resumed keyed topic apply to. */
  | { readonly type: "subscribed"; readonly answer: Answer; readonly hasView: boolean }
  /** A page of a snapshot has arrived. */
  | { readonly type: "snapshot"; readonly isLast: boolean }
  | { readonly type: "gap" }
  | { readonly type: "refused"; readonly error: LongwireError }
  | { readonly type: "over"; readonly over: Over };

type Answer = MessageOf<"subscribed">;

/**
 * The action for the feed: load its position; request the subscription from its position, or from
 * none; send the request or its end; request it again after a delay; or end the feed.
 */
export type SubscriptionEffect =
  | "load"
  | "ask"
  | "askAnew"
  | "subscribe"
  | "unsubscribe"
  | "retry"
  | "end";

type Transition = readonly [Subscription, SubscriptionEffect?];

const OFF: Subscription = { state: "off" };

/** Refusals of a subscription that are temporary. */
const passingCodes: readonly string[] = ["rate_limited", "unavailable", "internal"];

/** An event that has no meaning in a state changes nothing. */
export function nextSubscription(now: Subscription, event: SubscriptionEvent): Transition {
  const { state } = now;
  switch (event.type) {
    case "wanted":
      if (!isOver(now)) break;
      return event.isStored ? [{ state: "loading" }, "load"] : [OFF, "ask"];
    case "loaded":
      if (state === "loading") return [OFF, "ask"];
      break;
    case "ready":
      if (state === "off") return [OFF, "ask"];
      break;
    case "asked": {
      const { id, since, isCutOff } = event;
      if (state === "off") return [{ state: "asked", id, since, isCutOff }, "subscribe"];
      break;
    }
    case "lost":
      if (isSubscribed(now)) return [OFF];
      break;
    case "full":
      if (state === "following") return [{ state: "paused" }, "unsubscribe"];
      break;
    case "drained":
      if (state === "paused") return [OFF, "ask"];
      break;
    case "subscribed":
      if (state === "asked") return afterAnswer(now, event.answer, event.hasView);
      break;
    case "snapshot":
      if (state !== "following") break;
      // If the snapshot is interrupted, another one follows.
      return [{ ...now, isOwed: !event.isLast, target: 0 }];
    case "gap":
      if (state === "following") return [{ ...now, isOwed: false }];
      break;
    case "refused":
      if (isSubscribed(now)) return afterRefusal(now, event.error);
      break;
    case "over":
      return isSubscribed(now) ? [event.over, "unsubscribe"] : [event.over];
  }
  return [now];
}

export function isOver({ state }: Subscription | FeedStatus): boolean {
  return state === "closed" || state === "ended";
}

/** Whether the server has a subscription or will have one. */
function isSubscribed(now: Subscription): now is Asked | Following {
  return now.state === "asked" || now.state === "following";
}

function afterAnswer({ since }: Asked, answer: Answer, hasView: boolean): Transition {
  const { kind, epoch, offset, resumed, latest = 0 } = answer;
  const isKeyed = kind === "keyed";
  // A loaded position comes without a view, so there is no state that events could apply to.
  if (isKeyed && resumed && !hasView) return [OFF, "askAnew"];
  const isOwed = !resumed && (isKeyed || since !== undefined);
  return [{ state: "following", epoch, isOwed, target: Math.max(offset, latest) }];
}

function afterRefusal(now: Asked | Following, error: LongwireError): Transition {
  // The server's log is behind this position. For a log topic, a gap reports what that means.
  if (error.code === "bad_request" && "since" in now && now.since) return [OFF, "askAnew"];
  // Without a subscription, there is nothing to unsubscribe.
  if (passingCodes.includes(error.code)) return [OFF, "retry"];
  return [{ state: "ended", error }, "end"];
}
