import { shallowRef } from "vue";
import type { Ref, ShallowRef } from "vue";
import { wsRealData } from "../../ws-real-data.ts";
import { isAskedFor } from "../devices/device-rows.ts";
import { FrameVersion } from "../frame-version.ts";
import { LiveFeed } from "./live-feed.ts";
import type { FeedState } from "./live-feed.ts";
import { devices } from "../monitor.ts";
import { SocketLog } from "./socket-log.ts";
import { socketUrl } from "./socket-url.ts";
import { TrafficMeter } from "./traffic-meter.ts";

/** Devices report every second, so a longer silence means that the connection is dead. */
const silenceMs = 30_000;

const logChanges = new FrameVersion();
export const logVersion: Ref<number> = logChanges.version;
export const socketLog: SocketLog = new SocketLog(() => logChanges.changed());
export const traffic: TrafficMeter = new TrafficMeter();
export const feedState: ShallowRef<FeedState> = shallowRef({ kind: "connecting", attempt: 0 });
export const params: ShallowRef<Readonly<Record<string, unknown>>> = shallowRef({});

let isShown = false;
let lastHeardMs = Date.now();

const feed = new LiveFeed({
  url: socketUrl("/live/devices"),
  connect: wsRealData,
  onRecord: () => (lastHeardMs = Date.now()),
  onState: (state) => {
    feedState.value = state;
    params.value = feed.params;
    if (state.kind === "open") lastHeardMs = Date.now();
    endUnlessShown();
  },
  onSocket: (socket) => socketLog.observe(socket, traffic),
});

setInterval(reconnectIfSilent, 1_000);
addEventListener("online", () => feed.hurry());

/** The panel's connection exists while the panel is shown. */
export function showPanel(): void {
  isShown = true;
  const { kind } = feed.state;
  if (feed.socket === undefined || kind === "closing" || kind === "closed") feed.connectNow();
}

export function leavePanel(): void {
  isShown = false;
  endUnlessShown();
}

/** Sends the typed text as it is; if it is an object, it becomes the current params. */
export function sendText(text: string): void {
  const wanted = parsedObject(text);
  if (wanted) {
    feed.setParams(wanted);
    params.value = wanted;
  } else feed.socket?.send(text);
  socketLog.sent(text, feed.socket?.bufferedAmount ?? 0);
}

export function closeSocket(code: number, reason: string): void {
  feed.close(code, reason);
  socketLog.add({ kind: "close-called", code, reason });
}

export function reconnectSocket(): void {
  feed.connectNow();
}

export function panelSocket(): WebSocket | undefined {
  return feed.socket;
}

/** A connecting socket is left alone, because browsers report an error if it is closed. */
function endUnlessShown(): void {
  if (isShown) return;
  if (feed.state.kind === "open") closeSocket(1000, "the panel is not shown");
  else if (feed.state.kind === "waiting") feed.close(1000, "");
}

/** After sleep or a lost route, a dead connection may not close for a long time. */
function reconnectIfSilent(): void {
  if (feedState.value.kind !== "open") return;
  const expectsReports = devices.value.some((one) => one.online && isAskedFor(one, params.value));
  if (!expectsReports) lastHeardMs = Math.max(lastHeardMs, Date.now() - silenceMs / 2);
  if (Date.now() - lastHeardMs > silenceMs) feed.connectNow();
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
