import type { Quantities } from "../../quantities.ts";
import type { Texts } from "../../texts/en.ts";
import { mostPressed } from "./attention.ts";
import type { Device } from "./device.ts";

/** `unknown`: what was true before the connection was lost may not be true now. */
export type StateKind = "online" | "over" | "offline" | "unknown";

export interface StateText {
  readonly kind: StateKind;
  readonly text: string;
  /** For how long, or which limit; empty if unknown. */
  readonly detail: string;
}

export interface Moment {
  /** The present by the server's clock. */
  readonly nowMs: number;
  /** While disconnected: until when the data was current. Ages that run would then be invented. */
  readonly asOfMs: number | undefined;
  readonly isConnected: boolean;
}

export function stateTextOf(
  device: Device,
  moment: Moment,
  { t, q }: { readonly t: Texts; readonly q: Quantities },
): StateText {
  if (!moment.isConnected) {
    const at = q.hourMinute(moment.asOfMs);
    const text = device.online ? t.state.wasOnline(at) : t.state.wasOffline(at);
    return { kind: "unknown", text, detail: "" };
  }
  const kind = device.online ? (device.needsAttention ? "over" : "online") : "offline";
  // The inventory has the time since when a device is online, not since when it is over.
  const detail =
    kind === "over" ? t.columns[mostPressed(device)] : lasting(device, moment.nowMs, { t, q });
  return { kind, text: t.state[kind], detail };
}

function lasting(
  { since }: Device,
  nowMs: number,
  { t, q }: { readonly t: Texts; readonly q: Quantities },
): string {
  if (since === undefined) return "";
  return t.devices.lasting(q.duration(Math.max(0, (nowMs - since) / 1_000)));
}
