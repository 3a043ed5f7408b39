import type { Device } from "./device.ts";

export type TypeFilter = "all" | "machine" | "AP";
export type SortDirection = "ascending" | "descending";

export interface RowChoice {
  readonly filter: TypeFilter;
  readonly search: string;
  /** Undefined for all sites. */
  readonly site: string | undefined;
}

export interface FleetCounts {
  readonly online: number;
  readonly offline: number;
  readonly attention: number;
  readonly simulated: number;
}

export interface SiteCount {
  readonly site: string;
  readonly devices: number;
  readonly attention: number;
}

export function countsOf(devices: readonly Device[]): FleetCounts {
  const counts = { online: 0, offline: 0, attention: 0, simulated: 0 };
  for (const device of devices) {
    counts[device.online ? "online" : "offline"] += 1;
    if (device.needsAttention) counts.attention += 1;
    if (device.simulated) counts.simulated += 1;
  }
  return counts;
}

/** The sites by name, with how many devices each has. */
export function sitesOf(devices: readonly Device[]): SiteCount[] {
  const found = new Map<string, { site: string; devices: number; attention: number }>();
  for (const { site, needsAttention } of devices) {
    if (site === undefined) continue;
    let count = found.get(site);
    if (!count) found.set(site, (count = { site, devices: 0, attention: 0 }));
    count.devices += 1;
    if (needsAttention) count.attention += 1;
  }
  return [...found.values()].sort((a, b) => (a.site < b.site ? -1 : 1));
}

/**
 * Returns the devices that were asked for, in the order in which they came.
 *
 * @param textOf the text of a device in which each word of the search must be
 */
export function foundIn(
  devices: readonly Device[],
  { filter, search, site }: RowChoice,
  textOf: (name: string) => string,
): Device[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const params = paramsOf(filter);
  return devices.filter(
    (device) =>
      isAskedFor(device, params) &&
      (site === undefined || device.site === site) &&
      (words.length === 0 || includesAll(textOf(device.name), words)),
  );
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

function includesAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}
