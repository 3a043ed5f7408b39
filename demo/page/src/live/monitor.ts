import { connect } from "longwire/live/client";
import type { Live } from "longwire/live/client";
import { useConnection } from "longwire/vue";
import { computed, effectScope, ref, shallowRef, watch } from "vue";
import type { ComputedRef, Ref, ShallowRef } from "vue";
import type { MonitorApi } from "../../../server/actions.ts";
import type { DeviceReport } from "../../../server/topics.ts";
import { DeviceHistory } from "./charts/device-history.ts";
import type { Device } from "./devices/device.ts";
import { measurementsOf, numberOf } from "./devices/device-record.ts";
import { paramsOf } from "./devices/device-rows.ts";
import type { TypeFilter } from "./devices/device-rows.ts";
import { Fleet } from "./devices/fleet.ts";
import { localMsOf } from "./now.ts";
import { Redraw } from "./redraw.ts";
import { socketUrl } from "./socket/socket-url.ts";

export const live: Live<MonitorApi> = connect(socketUrl("/live"));
export const history: DeviceHistory = new DeviceHistory();
export const fleet: Fleet = new Fleet(keepInHistory);

/** Which devices' values are requested from the server. */
export const filter: Ref<TypeFilter> = ref("all");

/** The devices as of the last redraw, by name. */
export const devices: ShallowRef<readonly Device[]> = shallowRef([]);
/** True once the first state has arrived, to distinguish "no devices" from "not yet". */
export const settled: Ref<boolean> = ref(false);
/** True from the first loss until the next connection. */
export const wasLost: Ref<boolean> = ref(false);
/** When the last item arrived before the connection was lost. */
export const asOfMs: Ref<number | undefined> = ref();

// The feeds are read directly: the Vue binding would trigger an update with every message.
const inventory = live.topic("inventory");
let reports = live.topic("devices", paramsOf(filter.value));
let heardMs: number | undefined;

const redraw = new Redraw(() => {
  const isComplete = reports.status.state === "live";
  fleet.update({ reports: reports.entries, inventory: inventory.entries, isComplete });
  devices.value = fleet.all();
  if (isComplete && inventory.status.state === "live") settled.value = true;
});

function onChange(): void {
  heardMs = Date.now();
  redraw.request();
}

let stopReports = reports.onChange(onChange);
inventory.onChange(onChange);

// Everything here lives as long as the page.
const scope = effectScope(true);
export const status: ReturnType<typeof useConnection> = scope.run(() => useConnection(live))!;

export const isConnected: ComputedRef<boolean> = computed(() => {
  const { state } = status.value;
  return state === "live" || state === "catching-up";
});

scope.run(() => {
  watch(filter, (chosen) => {
    // First, because two subscriptions to one name would need two connections.
    stopReports();
    reports = live.topic("devices", paramsOf(chosen));
    stopReports = reports.onChange(onChange);
    redraw.request();
  });
  watch(status, ({ state }) => {
    if (isConnected.value) wasLost.value = false;
    else if (state !== "connecting") {
      wasLost.value = true;
      asOfMs.value = heardMs;
    }
  });
});

/** Returns when the report was measured. */
function keepInHistory(name: string, report: DeviceReport): number {
  const at = numberOf(report["at"]);
  const atMs = measuredMs(at, Date.now());
  // Most devices of a large fleet have no history, and their measurements are not needed.
  if (history.accepts(name, atMs)) history.add(name, measurementsOf(report), { atMs, stamp: at });
  return atMs;
}

/**
 * When a report was measured, by this browser's clock; its arrival if the device's clock is far
 * off.
 */
function measuredMs(at: number | undefined, arrivedMs: number): number {
  const localMs = at === undefined ? arrivedMs : Math.min(localMsOf(at), arrivedMs);
  return arrivedMs - localMs < 10_000 ? localMs : arrivedMs;
}
