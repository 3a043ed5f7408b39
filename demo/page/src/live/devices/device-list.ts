import type { DeviceReport, InventoryEntry } from "../../../../server/topics.ts";
import { measurementsOf } from "./device-record.ts";
import type { Measurements } from "./device-record.ts";

/**
 * What the page knows about a device. Replaced and never changed, so that views can compare
 * objects.
 */
export interface Device {
  readonly name: string;
  readonly deviceType: string;
  readonly simulated: boolean;
  readonly online: boolean;
  readonly since: number | undefined;
  readonly lastSeen: number | undefined;
  /** The actions that it can be asked for. */
  readonly actions: readonly string[];
  /** The newest report; undefined while the device is offline or filtered out. */
  readonly record: DeviceReport | undefined;
  readonly measurements: Measurements;
}

/** The content of the two topics, by device name. */
export interface Topics {
  readonly reports: ReadonlyMap<string, DeviceReport>;
  readonly inventory: ReadonlyMap<string, InventoryEntry>;
  /** False while reports are still arriving. */
  readonly isComplete: boolean;
}

interface Merged {
  readonly entry: InventoryEntry | undefined;
  readonly record: DeviceReport | undefined;
  readonly device: Device;
}

const nothingMeasured: Measurements = new Map();

/** Merges the two topics: `inventory` knows who is online, `devices` has the values. */
export class DeviceList {
  #merged: ReadonlyMap<string, Merged> = new Map();

  /** Returns the devices of both topics; an unchanged device is the same object as before. */
  merge({ reports, inventory, isComplete }: Topics): Device[] {
    const merged = new Map<string, Merged>();
    for (const name of new Set([...inventory.keys(), ...reports.keys()])) {
      const before = this.#merged.get(name);
      const entry = inventory.get(name);
      // While values are requested again, the old ones stay visible until the new ones arrive.
      const record = reports.get(name) ?? (isComplete ? undefined : before?.record);
      const isSame = before !== undefined && before.entry === entry && before.record === record;
      merged.set(name, isSame ? before : { entry, record, device: deviceOf(name, entry, record) });
    }
    this.#merged = merged;
    return [...merged.values()].map(({ device }) => device);
  }
}

function deviceOf(
  name: string,
  entry: InventoryEntry | undefined,
  record: DeviceReport | undefined,
): Device {
  // A report without an inventory entry means that the device is online.
  const online = entry?.online ?? true;
  const shown = online ? record : undefined;
  return {
    name,
    deviceType: record?.deviceType ?? entry?.deviceType ?? "",
    simulated: record?.simulated === true || entry?.simulated === true,
    online,
    since: entry?.since,
    lastSeen: entry?.lastSeen,
    actions: record?.actions ?? entry?.actions ?? [],
    record: shown,
    measurements: shown ? measurementsOf(shown) : nothingMeasured,
  };
}
