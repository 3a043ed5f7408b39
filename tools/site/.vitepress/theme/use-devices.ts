import { connect, type Live, type LiveStatus } from "longwire/live/client";
import { onBeforeUnmount, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { deviceRows, type DeviceRow } from "./device-rows.ts";

/** The devices of a live server, while it is asked for them. */
export interface Devices {
  /** `undefined` while no server is asked. */
  readonly status: ShallowRef<LiveStatus | undefined>;
  readonly rows: ShallowRef<readonly DeviceRow[]>;
  /** Whether the server has answered since `start`. */
  readonly hasAnswered: Ref<boolean>;
  /** @throws what `new WebSocket(url)` throws */
  start(url: string): void;
  stop(): void;
}

export function useDevices(): Devices {
  let live: Live | undefined;
  const status = shallowRef<LiveStatus>();
  const rows = shallowRef<readonly DeviceRow[]>([]);
  const hasAnswered = ref(false);

  const start = (url: string): void => {
    stop();
    live = connect(url);
    status.value = live.status;
    live.onStatus((now) => {
      status.value = now;
      if (now.state === "live") hasAnswered.value = true;
    });
    const feed = live.topic("devices");
    feed.onChange(() => (rows.value = deviceRows(feed.entries.values())));
  };

  const stop = (): void => {
    live?.close();
    live = undefined;
    status.value = undefined;
    rows.value = [];
    hasAnswered.value = false;
  };

  onBeforeUnmount(stop);
  return { status, rows, hasAnswered, start, stop };
}
