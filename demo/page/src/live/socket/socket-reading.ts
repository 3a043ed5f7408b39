import { onScopeDispose, shallowRef } from "vue";
import type { ShallowRef } from "vue";
import { panelSocket, socketLog } from "./socket-panel.ts";

export const readyStateNames = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"] as const;

/** The attributes of the panel's socket at one moment. */
export interface SocketReading {
  readonly readyState: number | undefined;
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  /** When the current socket entered each state; undefined if it has not yet. */
  readonly enteredMs: readonly (number | undefined)[];
}

const everyMs = 100;

/** Reads the socket ten times a second, because CLOSING and bufferedAmount have no events. */
export function useSocketReading(): ShallowRef<SocketReading> {
  const reading = shallowRef(read());
  const timer = setInterval(() => {
    const now = read();
    if (JSON.stringify(now) !== JSON.stringify(reading.value)) reading.value = now;
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return reading;
}

function read(): SocketReading {
  const socket = panelSocket();
  return {
    readyState: socket?.readyState,
    url: socket?.url ?? "",
    protocol: socket?.protocol ?? "",
    extensions: socket?.extensions ?? "",
    bufferedAmount: socket?.bufferedAmount ?? 0,
    enteredMs: socketLog.enteredMs,
  };
}
