import type { Device } from "./device.ts";
import type { SortDirection } from "./device-rows.ts";

/** Rows that change places more often cannot be read. */
const sortEveryMs = 2_000;

export interface Order {
  readonly sort: string;
  readonly direction: SortDirection;
  /** Whether a pointer is over the rows, so that none may move away from under it. */
  readonly isHeld: boolean;
  readonly nowMs: number;
}

/** A row and whether it is listed among those that need attention. */
export interface PlacedDevice {
  readonly device: Device;
  readonly isUrgent: boolean;
}

interface Place {
  readonly rank: number;
  readonly isUrgent: boolean;
}

/** Orders devices by a value that changes, and lets them stay in place in between. */
export class RowOrder {
  #places: ReadonlyMap<string, Place> = new Map();
  #key = "";
  #sortedMs = Number.NEGATIVE_INFINITY;

  /** @param devices by name */
  place(devices: readonly Device[], order: Order): PlacedDevice[] {
    const key = `${order.sort} ${order.direction}`;
    const isSame = key === this.#key;
    if (isSame && order.isHeld) return this.#inOldPlaces(devices, true);
    const isByName = order.sort === "name";
    if (isSame && !isByName && order.nowMs - this.#sortedMs < sortEveryMs) {
      return this.#inOldPlaces(devices, false);
    }
    const sorted = sortedBy(devices, order);
    this.#key = key;
    this.#sortedMs = order.nowMs;
    this.#places = new Map(
      sorted.map((device, rank) => [device.name, { rank, isUrgent: device.needsAttention }]),
    );
    return sorted.map((device) => ({ device, isUrgent: device.needsAttention }));
  }

  /** @param isHeld whether also the devices that need attention stay where they are */
  #inOldPlaces(devices: readonly Device[], isHeld: boolean): PlacedDevice[] {
    const places = this.#places;
    const rankOf = ({ name }: Device): number => places.get(name)?.rank ?? places.size;
    return devices
      .toSorted((a, b) => rankOf(a) - rankOf(b))
      .map((device) => {
        const before = isHeld ? places.get(device.name) : undefined;
        return { device, isUrgent: before?.isUrgent ?? device.needsAttention };
      });
  }
}

/** Missing values sort last in either direction; equal ones by name. */
export function sortedBy(
  devices: readonly Device[],
  { sort, direction }: Pick<Order, "sort" | "direction">,
): readonly Device[] {
  if (sort === "name") {
    if (direction === "ascending") return devices;
    // Real devices come before simulated ones in either direction.
    return devices.toReversed().sort((a, b) => Number(a.simulated) - Number(b.simulated));
  }
  const sign = direction === "ascending" ? 1 : -1;
  const keyed = devices.map((device) => ({ device, value: sortValue(device, sort) }));
  keyed.sort((a, b) => {
    if (a.value === b.value) return 0;
    if (a.value === undefined) return 1;
    if (b.value === undefined) return -1;
    return a.value < b.value ? -sign : sign;
  });
  return keyed.map(({ device }) => device);
}

function sortValue(device: Device, sort: string): number | string | undefined {
  if (sort === "site") return device.site;
  // Ascending: offline first, the longest offline at the top.
  if (sort === "state") return (device.online ? 1e15 : 0) + (device.since ?? 0);
  return device.measurements.get(sort);
}
