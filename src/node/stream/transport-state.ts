/**
 * Where a connection's transport stands. What came before its end is delivered first, however long
 * the receiver is paused: so there is a time between an end and what follows from it.
 *
 * - `waiting`: nothing is read yet, because the connection has not been started
 * - `up`: it carries bytes both ways
 * - `ended`: the peer's half is at its end, and something is still to be delivered
 * - `ending`: both halves are at their end
 * - `gone`: it is closed, and something is still to be delivered
 * - `over`: its end has been reported; nothing follows
 */
export type TransportState = "waiting" | "up" | "ended" | "ending" | "gone" | "over";

/** What happens to it; `delivered`: nothing is held any more. */
export type TransportEvent = "start" | "end" | "gone" | "delivered" | "terminate";

/** What the connection has to do: end its own half, deliver what is held, or report the end. */
export type TransportEffect = "none" | "end" | "deliver" | "report";

type Transition = readonly [TransportState, TransportEffect];

/**
 * @param isHeld whether something that came before is still to be delivered
 * @returns the next state, and what has to be done
 */
export function nextTransportState(
  state: TransportState,
  event: TransportEvent,
  isHeld: boolean,
): Transition {
  if (state === "over") return STAYS_OVER;
  switch (event) {
    case "start":
      return [state === "waiting" ? "up" : state, "none"];
    case "end":
      if (state === "gone" || state === "ending") return [state, "none"];
      return isHeld ? ["ended", "none"] : ["ending", "end"];
    case "gone":
      return isHeld && state !== "gone" ? ["gone", "deliver"] : REPORTED;
    case "delivered":
      if (isHeld) return [state, "none"];
      if (state === "gone") return REPORTED;
      return state === "ended" ? ["ending", "end"] : [state, "none"];
    case "terminate":
      // What is held is dropped, so there is nothing to wait for.
      return state === "gone" ? REPORTED : [state, "none"];
  }
}

const STAYS_OVER: Transition = ["over", "none"];
const REPORTED: Transition = ["over", "report"];
