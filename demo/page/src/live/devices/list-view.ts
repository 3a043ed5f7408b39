import { computed, ref, shallowRef, watch } from "vue";
import type { ComputedRef, Ref, ShallowRef } from "vue";
import { queryOf, routeOf } from "../../route.ts";
import { devices, filter, fleet } from "../monitor.ts";
import { countsOf, foundIn, sitesOf } from "./device-rows.ts";
import type { FleetCounts, SiteCount } from "./device-rows.ts";
import { columnsOf } from "./device-values.ts";
import type { ColumnId } from "./device-values.ts";
import type { Device } from "./device.ts";
import { hrefOf, placeOf } from "./list-place.ts";
import type { ListPlace } from "./list-place.ts";
import { RowOrder } from "./row-order.ts";
import { groupsOf } from "./row-layout.ts";
import type { RowGroup } from "./row-layout.ts";

/** A pointer that has not moved for this long was left there. */
const holdMs = 20_000;

export const place: ShallowRef<ListPlace> = shallowRef(placeOf(new URLSearchParams()));
export const counts: ComputedRef<FleetCounts> = computed(() => countsOf(devices.value));
/** How to get back to the list as it was left. */
export const listHref: ComputedRef<string> = computed(() => hrefOf(place.value));

/** Takes the list's choices from the address. */
export function readPlace(hash: string): void {
  if (routeOf(hash).view !== "devices") return;
  place.value = placeOf(queryOf(hash));
  filter.value = place.value.filter;
}

/** Changes the choices, also in the address, where Back finds them. */
export function changePlace(change: Partial<ListPlace>): void {
  place.value = { ...place.value, ...change };
  filter.value = place.value.filter;
  if (routeOf(location.hash).view === "devices") history.replaceState(null, "", listHref.value);
}

export interface ListView {
  readonly found: ComputedRef<readonly Device[]>;
  readonly groups: ShallowRef<readonly RowGroup[]>;
  readonly columns: ComputedRef<readonly ColumnId[]>;
  readonly sites: ComputedRef<readonly SiteCount[]>;
  hold(isOver: boolean): void;
}

/** The rows of the list, in their order. */
export function useListView(): ListView {
  const order = new RowOrder();
  const heldMs: Ref<number> = ref(Number.NEGATIVE_INFINITY);
  const groups = shallowRef<readonly RowGroup[]>([]);
  const found = computed(() =>
    foundIn(devices.value, place.value, (name) => fleet.searchText(name)),
  );
  const types = computed(() => [...new Set(found.value.map((one) => one.deviceType))].join(" "));
  watch(
    [found, () => place.value.sort, () => place.value.direction, () => place.value.isBySite],
    ([shown, sort, direction, isBySite]) => {
      const nowMs = Date.now();
      const isHeld = nowMs - heldMs.value < holdMs;
      groups.value = groupsOf(order.place(shown, { sort, direction, isHeld, nowMs }), isBySite);
    },
    { immediate: true },
  );
  return {
    found,
    groups,
    columns: computed(() => columnsOf(new Set(types.value.split(" ")))),
    sites: computed(() => sitesOf(devices.value)),
    hold: (isOver) => (heldMs.value = isOver ? Date.now() : Number.NEGATIVE_INFINITY),
  };
}
