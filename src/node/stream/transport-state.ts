/**
 * The state of a connection's transport. Data that arrived before the end is delivered first,
 * however long the receiver is paused. Therefore time may pass between an end and its consequences.
 *
 * - `waiting`: nothing is read yet, because the connection has not been started
 * - `up`: it transfers bytes in both directions
 * - `ended`: the peer's half has ended, and data is still to be delivered
 * - `ending`: both halves have ended
 * - `gone`: it is closed, and data is still to be delivered
 * - `over`: the end has been reported; nothing follows
 */
export type TransportState = "waiting" | "up" | "ended" | "ending" | "gone" | "over";

/** An event of the transport. `delivered`: no data is held any more. */
export type TransportEvent = "start" | "end" | "gone" | "delivered" | "terminate";

/** The action for the connection: end its own half, deliver held data, or report the end. */
export type TransportEffect = "none" | "end" | "deliver" | "report";

type Transition = readonly [TransportState, TransportEffect];

/**
 * @param isHeld whether earlier data is still to be delivered
 * @returns the next state, and the action
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
      // Held data is dropped, so there is nothing to wait for.
      return state === "gone" ? REPORTED : [state, "none"];
  }
}

const STAYS_OVER: Transition = ["over", "none"];
const REPORTED: Transition = ["over", "report"];
