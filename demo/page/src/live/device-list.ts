import type { DeviceReport, InventoryEntry } from "../../../server/topics.ts";
import { measurementsOf } from "./device-record.ts";
import type { Measurements } from "./device-record.ts";

/** What the page knows about one device. Replaced, never changed, so that views can compare. */
export interface Device {
  readonly name: string;
  readonly deviceType: string;
  readonly simulated: boolean;
  readonly online: boolean;
  readonly since: number | undefined;
  readonly lastSeen: number | undefined;
  /** The newest report; undefined while the device is offline or not asked for. */
  readonly record: DeviceReport | undefined;
  readonly measurements: Measurements;
}

/** What the two topics hold, by name. */
export interface Topics {
  readonly reports: ReadonlyMap<string, DeviceReport>;
  readonly inventory: ReadonlyMap<string, InventoryEntry>;
  /** False while the server is still to send reports that there are. */
  readonly isComplete: boolean;
}

interface Merged {
  readonly entry: InventoryEntry | undefined;
  readonly record: DeviceReport | undefined;
  readonly device: Device;
}

const nothingMeasured: Measurements = new Map();

/** The two topics as one list: `inventory` decides who is online, `devices` brings the values. */
export class DeviceList {
  #merged: ReadonlyMap<string, Merged> = new Map();

  /** The devices of both topics; one of which nothing has changed is the same object as before. */
  merge({ reports, inventory, isComplete }: Topics): Device[] {
    const merged = new Map<string, Merged>();
    for (const name of new Set([...inventory.keys(), ...reports.keys()])) {
      const before = this.#merged.get(name);
      const entry = inventory.get(name);
      // Values that are asked for anew stay in sight until the new ones come.
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
  // Without an inventory entry a report still means: online now.
  const online = entry?.online ?? true;
  const shown = online ? record : undefined;
  return {
    name,
    deviceType: record?.deviceType ?? entry?.deviceType ?? "",
    simulated: record?.simulated === true || entry?.simulated === true,
    online,
    since: entry?.since,
    lastSeen: entry?.lastSeen,
    record: shown,
    measurements: shown ? measurementsOf(shown) : nothingMeasured,
  };
}
