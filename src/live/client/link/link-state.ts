import type { MessageOf } from "../../wire/index.ts";
import type { LiveStatus } from "../status.ts";

type StatusOf<State> = Extract<LiveStatus, { state: State }>;
type Welcome = MessageOf<"welcome">;

/** The state of a link's connection. */
export type LinkState =
  | {
      readonly state: "connecting";
      /** When the page's wake-up started this attempt. */
      readonly wokeAt: number | undefined;
      readonly isGreeted: boolean;
      readonly welcome: Welcome | undefined;
    }
  | { readonly state: "open"; readonly welcome: Welcome; readonly isProven: boolean }
  | {
      readonly state: "offline";
      readonly status: StatusOf<"offline">;
      readonly delayMs: number;
      /** Whether the server asked for the delay, and it is not over. */
      readonly isAsked: boolean;
    }
  | {
      readonly state: "refused" | "closed";
      readonly status: StatusOf<"refused" | "closed">;
    };

/** How a connection ended, or why there is none. */
export interface Loss {
  readonly type: "lost";
  readonly code: number;
  readonly message: string;
  readonly reason: string | undefined;
  /** Whether another attempt would be refused, too. */
  readonly isFinal: boolean;
  /** How long the server asked to wait, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** The wall clock. */
  readonly at: number;
  /** Returns the link's own next delay, which grows with every call. */
  readonly backOff: () => number;
}

export type LinkEvent =
  | { readonly type: "connect" | "close" }
  /** The page runs, is visible or is online again; `at` by the monotonic clock. */
  | { readonly type: "woke"; readonly at: number }
  /** The delay is over. */
  | { readonly type: "due"; readonly isAway: boolean }
  /** The client has introduced itself, or has nothing to say. */
  | { readonly type: "greeted" }
  /** The server has introduced itself. */
  | Welcome
  /** The connection has lived long enough to count as good. */
  | { readonly type: "proven" }
  | Loss;

/** The state of a new link. */
export const NOT_CONNECTED: LinkState & { state: "connecting" } = {
  state: "connecting",
  wokeAt: undefined,
  isGreeted: false,
  welcome: undefined,
};

interface Step {
  readonly state: LinkState;
  /**
   * Whether the state is a new one, which the link has to act on: open a connection in place of any
   * current one, tell its feeds that they can send, or drop the connection.
   */
  readonly isEntered: boolean;
}

/** Several wake-up events within this time belong to the same wake-up of the page. */
const SAME_WAKE_MS = 100;

export function nextLinkState(state: LinkState, event: LinkEvent): Step {
  const kept = (same: LinkState = state): Step => ({ state: same, isEntered: false });
  const entered = (next: LinkState): Step => ({ state: next, isEntered: true });
  if (state.state === "closed") return kept();
  switch (event.type) {
    case "connect":
      return entered(dialled());
    case "close": {
      const status = { state: "closed", code: 1000, message: "The client is closed." } as const;
      return entered({ state: "closed", status });
    }
    case "woke":
      return startsOver(state, event.at) ? entered(dialled(event.at)) : kept();
    case "due":
      // No connection is of use in the moments before the page is suspended.
      if (!event.isAway) return entered(dialled());
      return kept(state.state === "offline" ? { ...state, isAsked: false } : state);
    case "greeted":
    case "welcome": {
      if (state.state !== "connecting") return kept();
      const isGreeted = state.isGreeted || event.type === "greeted";
      const welcome = state.welcome ?? (event.type === "welcome" ? event : undefined);
      // Requests are sent only after both sides have introduced themselves.
      if (!isGreeted || !welcome) return kept({ ...state, isGreeted, welcome });
      return entered({ state: "open", welcome, isProven: false });
    }
    case "proven":
      return kept(state.state === "open" ? { ...state, isProven: true } : state);
    case "lost":
      return entered(afterLoss(state, event));
  }
}

function dialled(wokeAt?: number): LinkState {
  return { ...NOT_CONNECTED, wokeAt };
}

/** Whether a page that woke up is better served by a new attempt. */
function startsOver(state: LinkState, now: number): boolean {
  if (state.state === "connecting") {
    // A dial that began before the network failed would hang; one from this same wake-up does not.
    return state.wokeAt === undefined || now - state.wokeAt >= SAME_WAKE_MS;
  }
  // The server's requested delay holds whatever happens to the page.
  return state.state === "offline" && !state.isAsked;
}

function afterLoss(
  state: LinkState,
  { code, message, reason, isFinal, retryAfter = Number.NaN, at, backOff }: Loss,
): LinkState {
  if (isFinal) return { state: "refused", status: { state: "refused", code, message } };
  const isAsked = retryAfter >= 0;
  const isTrusted = isAsked && state.state === "open" && state.isProven;
  // Without its own backoff, a client that is always told to return immediately would loop.
  const ownMs = isTrusted ? 0 : backOff();
  const delayMs = isAsked ? Math.max(retryAfter, ownMs) : ownMs;
  const status = { state: "offline", retryAt: at + delayMs, code, message, reason } as const;
  return { state: "offline", status, delayMs, isAsked };
}
