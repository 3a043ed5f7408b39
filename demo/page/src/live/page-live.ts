import { computed, ref, shallowRef } from "vue";
import type { ComputedRef, Ref, ShallowRef } from "vue";
import { wsRealData } from "../ws-real-data.ts";
import type { WsRecord } from "../ws-real-data.ts";
import { numberOf } from "./device-record.ts";
import { isAskedFor, typeFilterOf } from "./device-rows.ts";
import type { TypeFilter } from "./device-rows.ts";
import { DeviceStore } from "./device-store.ts";
import type { Device } from "./device-store.ts";
import { LiveFeed } from "./live-feed.ts";
import type { FeedState } from "./live-feed.ts";
import { FrameVersion } from "./frame-version.ts";
import { localMsOf, startClock } from "./now.ts";
import { socketUrl } from "./socket-url.ts";
import { SocketLog } from "./socket-log.ts";
import { TrafficMeter } from "./traffic-meter.ts";

/** A new connection has brought its state by then, and every online device has reported. */
const settleMs = 2_500;
/** Devices report every second: a longer silence means a connection that died without a word. */
const silenceMs = 30_000;

// Data changes many times a second; views are told once per animation frame.
const storeChanges = new FrameVersion();
const logChanges = new FrameVersion();
export const logVersion: Ref<number> = logChanges.version;

export const store: DeviceStore = new DeviceStore(() => storeChanges.changed());
export const socketLog: SocketLog = new SocketLog(() => logChanges.changed());
export const traffic: TrafficMeter = new TrafficMeter();

export const devices: ComputedRef<Device[]> = computed(() => {
  void storeChanges.version.value;
  return store.devices();
});
export const feedState: ShallowRef<FeedState> = shallowRef({ kind: "connecting", attempt: 0 });
export const params: ShallowRef<Readonly<Record<string, unknown>>> = shallowRef({});
/** The type filter that the params amount to; undefined when they are something else. */
export const typeOfParams: ComputedRef<TypeFilter | undefined> = computed(() =>
  typeFilterOf(params.value),
);
/** True once a first state has arrived, so that "no devices" can be told from "not yet". */
export const settled: Ref<boolean> = ref(false);
/** When the last record came, for the note on what a disconnected page still shows. */
export const lastRecordMs: Ref<number | undefined> = ref();
/** True from the first loss until the next open connection. */
export const wasLost: Ref<boolean> = ref(false);

let lastHeardMs = Date.now();

const devicesFeed = new LiveFeed({
  url: socketUrl("/live/devices"),
  connect: wsRealData,
  onRecord: (record) => {
    lastHeardMs = Date.now();
    store.applyRecord(record, measuredMs(record, lastHeardMs));
  },
  onState: (state) => {
    feedState.value = state;
    params.value = devicesFeed.params;
    if (state.kind === "waiting" || state.kind === "closed") wasLost.value = true;
    if (state.kind !== "open") return;
    wasLost.value = false;
    lastHeardMs = Date.now();
    settle("devices");
    inventoryFeed.hurry();
  },
  onSocket: (socket) => socketLog.observe(socket, traffic),
});

const inventoryFeed = new LiveFeed({
  url: socketUrl("/live/inventory"),
  connect: wsRealData,
  onRecord: (record) => store.applyInventory(record),
  onState: (state) => {
    if (state.kind === "open") settle("inventory");
  },
});

export function startLive(): void {
  devicesFeed.connectNow();
  inventoryFeed.connectNow();
  startClock();
  setInterval(reconnectIfSilent, 1_000);
  addEventListener("online", () => devicesFeed.hurry());
}

/** Asks the server for other devices, on the same socket. */
export function askFor(wanted: Record<string, unknown>): void {
  const sent = devicesFeed.setParams(wanted);
  params.value = wanted;
  store.narrow(wanted);
  if (sent !== undefined) socketLog.sent(sent, devicesFeed.socket?.bufferedAmount ?? 0);
}

/** Sends what was typed, as it is; if it is an object, it is the params from here on. */
export function sendText(text: string): void {
  const wanted = parsedObject(text);
  if (wanted) return askFor(wanted);
  devicesFeed.socket?.send(text);
  socketLog.sent(text, devicesFeed.socket?.bufferedAmount ?? 0);
}

export function closeLive(code: number, reason: string): void {
  devicesFeed.close(code, reason);
  socketLog.add({ kind: "close-called", code, reason });
}

export function reconnectNow(): void {
  devicesFeed.connectNow();
  inventoryFeed.hurry();
}

export function liveSocket(): WebSocket | undefined {
  return devicesFeed.socket;
}

function settle(topic: "devices" | "inventory"): void {
  const connection = store.connected(topic);
  setTimeout(() => {
    store.sweep(topic, connection);
    settled.value = true;
  }, settleMs);
}

/** A sleeping laptop or a lost route ends a connection without a close event for a long time. */
function reconnectIfSilent(): void {
  if (feedState.value.kind !== "open") return;
  lastRecordMs.value = lastHeardMs;
  const expectsReports =
    typeOfParams.value !== undefined &&
    store.devices().some((one) => one.online && isAskedFor(one, params.value));
  if (!expectsReports) lastHeardMs = Math.max(lastHeardMs, Date.now() - silenceMs / 2);
  if (Date.now() - lastHeardMs > silenceMs) devicesFeed.connectNow();
}

/** When a record was measured by this browser's clock; its arrival when its clock is far off. */
function measuredMs(record: WsRecord, arrivedMs: number): number {
  const at = numberOf(record["at"]);
  const localMs = at === undefined ? arrivedMs : Math.min(localMsOf(at), arrivedMs);
  return arrivedMs - localMs < 10_000 ? localMs : arrivedMs;
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
