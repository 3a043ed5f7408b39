/** How a client and its server stand. */
export type LiveStatus =
  /** An attempt is in progress. */
  | { readonly state: "connecting" }
  /** Connected, and of some topic not everything has come that there is. */
  | { readonly state: "catching-up" }
  /** Connected, and nothing is known to be missing. */
  | { readonly state: "live" }
  /** The connection was lost; at `retryAt` (ms since the Unix epoch) the next attempt begins. */
  | {
      readonly state: "offline";
      readonly retryAt: number;
      /** The close code; 1006 where there was none. */
      readonly code: number;
      readonly message: string;
      /** The code of what failed, such as `unreachable`; only where the WebSocket class tells. */
      readonly reason?: string | undefined;
    }
  /** The server wants no further attempt; `reconnect()` makes one all the same. */
  | { readonly state: "refused"; readonly code: number; readonly message: string }
  /** `close()` was called. */
  | { readonly state: "closed"; readonly code: number; readonly message: string };

/** From worst to best: of several connections the worst counts. */
const order = ["closed", "refused", "offline", "connecting", "catching-up", "live"];

export function worstOf(statuses: readonly LiveStatus[]): LiveStatus {
  const rank = ({ state }: LiveStatus): number => order.indexOf(state);
  return statuses.reduce((a, b) => (rank(b) < rank(a) ? b : a));
}
