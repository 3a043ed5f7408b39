import { connect } from "longwire/live/client";
import type { Live } from "longwire/live/client";
import { useConnection, useTopic } from "longwire/vue";
import { computed, effectScope, ref, watch } from "vue";
import type { ComputedRef, Ref } from "vue";
import type { MonitorApi } from "../../../server/actions.ts";
import { DeviceHistory } from "./charts/device-history.ts";
import { DeviceList } from "./devices/device-list.ts";
import type { Device } from "./devices/device-list.ts";
import { measurementsOf, numberOf } from "./devices/device-record.ts";
import { paramsOf } from "./devices/device-rows.ts";
import type { TypeFilter } from "./devices/device-rows.ts";
import { localMsOf } from "./now.ts";
import { socketUrl } from "./socket/socket-url.ts";

export const live: Live<MonitorApi> = connect(socketUrl("/live"));
export const history: DeviceHistory = new DeviceHistory();

/** Which devices' values are requested from the server. */
export const filter: Ref<TypeFilter> = ref("all");

let heardMs: number | undefined;
const list = new DeviceList();
// Everything here lives as long as the page.
const scope = effectScope(true);

const { status, reports, inventory } = scope.run(() => ({
  status: useConnection(live),
  reports: useTopic(live, "devices", () => paramsOf(filter.value), {
    // Data changes many times a second; views update once per animation frame.
    schedule: requestAnimationFrame,
    onItem: (item) => {
      heardMs = Date.now();
      if (item.type === "set") keepInHistory(item.key, item.data, heardMs);
    },
  }),
  inventory: useTopic(live, "inventory", undefined, { schedule: requestAnimationFrame }),
}))!;

export { status };

export const devices: ComputedRef<Device[]> = computed(() =>
  list.merge({
    reports: reports.entries.value,
    inventory: inventory.entries.value,
    isComplete: reports.status.value.state === "live",
  }),
);

export const isConnected: ComputedRef<boolean> = computed(() => {
  const { state } = status.value;
  return state === "live" || state === "catching-up";
});
/** True once the first state has arrived, to distinguish "no devices" from "not yet". */
export const settled: Ref<boolean> = ref(false);
/** True from the first loss until the next connection. */
export const wasLost: Ref<boolean> = ref(false);
/** When the last item arrived before the connection was lost. */
export const asOfMs: Ref<number | undefined> = ref();

scope.run(() => {
  watch(status, ({ state }) => {
    if (isConnected.value) wasLost.value = false;
    else if (state !== "connecting") {
      wasLost.value = true;
      asOfMs.value = heardMs;
    }
  });
  watch([reports.status, inventory.status], (topics) => {
    if (topics.every(({ state }) => state === "live")) settled.value = true;
  });
});

function keepInHistory(name: string, report: Record<string, unknown>, arrivedMs: number): void {
  const at = numberOf(report["at"]);
  history.add(name, measurementsOf(report), { atMs: measuredMs(at, arrivedMs), stamp: at });
}

/**
 * When a report was measured, by this browser's clock; its arrival if the device's clock is far
 * off.
 */
function measuredMs(at: number | undefined, arrivedMs: number): number {
  const localMs = at === undefined ? arrivedMs : Math.min(localMsOf(at), arrivedMs);
  return arrivedMs - localMs < 10_000 ? localMs : arrivedMs;
}
