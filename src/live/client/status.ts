/** The status of a client's connection. */
export type LiveStatus =
  /** An attempt is in progress. */
  | { readonly state: "connecting" }
  /** Connected; some topic has not received everything yet. */
  | { readonly state: "catching-up" }
  /** Connected; nothing is known to be missing. */
  | { readonly state: "live" }
  /** The connection was lost; the next attempt starts at `retryAt` (ms since the Unix epoch). */
  | {
      readonly state: "offline";
      readonly retryAt: number;
      /** The close code; 1006 if there was none. */
      readonly code: number;
      readonly message: string;
      /** The code of the failure, such as `unreachable`, if the WebSocket class reports one. */
      readonly reason?: string | undefined;
    }
  /** The server asked not to reconnect; `reconnect()` tries anyway. */
  | { readonly state: "refused"; readonly code: number; readonly message: string }
  /** `close()` was called. */
  | { readonly state: "closed"; readonly code: number; readonly message: string };

/** From worst to best: the worst of several connections counts. */
const order = ["closed", "refused", "offline", "connecting", "catching-up", "live"];

export function worstOf(statuses: readonly LiveStatus[]): LiveStatus {
  const rank = ({ state }: LiveStatus): number => order.indexOf(state);
  return statuses.reduce((a, b) => (rank(b) < rank(a) ? b : a));
}
