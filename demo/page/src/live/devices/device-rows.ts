import type { Device } from "./device-list.ts";

export type TypeFilter = "all" | "machine" | "AP";
export type SortDirection = "ascending" | "descending";

export interface RowChoice {
  readonly filter: TypeFilter;
  readonly search: string;
  readonly sort: string;
  readonly direction: SortDirection;
}

export interface OnlineCounts {
  readonly online: number;
  readonly offline: number;
}

export function countsOf(devices: readonly Device[]): OnlineCounts {
  const online = devices.filter((device) => device.online).length;
  return { online, offline: devices.length - online };
}

export function rowsOf(devices: readonly Device[], choice: RowChoice): Device[] {
  const words = choice.search.toLowerCase().split(/\s+/).filter(Boolean);
  const order = choice.direction === "ascending" ? 1 : -1;
  return devices
    .filter((device) => isAskedFor(device, paramsOf(choice.filter)) && isFound(device, words))
    .sort((a, b) => order * compare(a, b, choice.sort, order) || byName(a, b));
}

/** Whether the params match this device, as far as the inventory can tell. */
export function isAskedFor(device: Device, params: Readonly<Record<string, unknown>>): boolean {
  const { deviceType, name } = params;
  return (
    (deviceType === undefined || deviceType === device.deviceType) &&
    (name === undefined || name === device.name)
  );
}

export function paramsOf(filter: TypeFilter): Record<string, unknown> {
  return filter === "all" ? {} : { deviceType: filter };
}

function isFound(device: Device, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const { name, deviceType, record } = device;
  const text = [name, deviceType, record?.["site"], record?.["model"], record?.["hostname"]]
    .filter((part) => typeof part === "string")
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Missing values sort last in either direction. */
function compare(a: Device, b: Device, sort: string, order: number): number {
  // Real devices sort before simulated ones in either direction.
  if (sort === "name") return order * (Number(a.simulated) - Number(b.simulated)) || byName(a, b);
  const left = sortValue(a, sort);
  const right = sortValue(b, sort);
  if (left === right) return 0;
  if (left === undefined) return order;
  if (right === undefined) return -order;
  return left < right ? -1 : 1;
}

function sortValue(device: Device, sort: string): number | string | undefined {
  if (sort === "type") return device.deviceType;
  // Ascending: offline first, the longest offline at the top.
  if (sort === "state") return (device.online ? 1e15 : 0) + (device.since ?? 0);
  if (sort === "use")
    return device.measurements.get("cpu") ?? device.measurements.get("channelUse");
  return device.measurements.get(sort);
}

const names = new Intl.Collator("en", { numeric: true });
function byName(a: Device, b: Device): number {
  return names.compare(a.name, b.name);
}
