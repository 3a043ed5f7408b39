import type { Device } from "./device.ts";
import type { PlacedDevice } from "./row-order.ts";

/** Rows under one heading. */
export interface RowGroup {
  readonly id: string;
  readonly kind: "attention" | "others" | "site";
  readonly site: string | undefined;
  readonly devices: readonly Device[];
}

/** A line of the list: a group's heading, or a device. */
export type Line =
  | { readonly kind: "heading"; readonly key: string; readonly group: RowGroup }
  | { readonly kind: "device"; readonly key: string; readonly device: Device };

export interface RowLayout {
  readonly lines: readonly Line[];
  /** The top of each line in pixels, and after the last one the height of all. */
  readonly tops: Float64Array;
}

/** Devices that need attention come first; the rest follows in one group, or in one per site. */
export function groupsOf(placed: readonly PlacedDevice[], isBySite: boolean): RowGroup[] {
  const urgent: Device[] = [];
  const sites = new Map<string | undefined, Device[]>();
  for (const { device, isUrgent } of placed) {
    if (isUrgent) {
      urgent.push(device);
      continue;
    }
    const site = isBySite ? device.site : undefined;
    const others = sites.get(site);
    if (others) others.push(device);
    else sites.set(site, [device]);
  }
  const groups: RowGroup[] = [];
  if (urgent.length > 0) {
    groups.push({ id: "attention", kind: "attention", site: undefined, devices: urgent });
  }
  // A name is missing only at machines and such; they come last.
  const named = [...sites].sort(([a], [b]) => ((a ?? "\uffff") < (b ?? "\uffff") ? -1 : 1));
  for (const [site, devices] of named) {
    const kind = isBySite ? "site" : "others";
    groups.push({ id: isBySite ? `site ${site ?? ""}` : kind, kind, site, devices });
  }
  return groups;
}

export function layoutOf(
  groups: readonly RowGroup[],
  heights: { readonly heading: number; readonly row: number },
): RowLayout {
  const lines: Line[] = [];
  for (const group of groups) {
    lines.push({ kind: "heading", key: `# ${group.id}`, group });
    for (const device of group.devices) lines.push({ kind: "device", key: device.name, device });
  }
  const tops = new Float64Array(lines.length + 1);
  for (const [index, { kind }] of lines.entries()) {
    tops[index + 1] = tops[index]! + (kind === "heading" ? heights.heading : heights.row);
  }
  return { lines, tops };
}

/** The index of the line at this height; the first or last one outside the list. */
export function lineAt({ tops }: RowLayout, y: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle]! <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}
