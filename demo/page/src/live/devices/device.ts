import type { DeviceReport, InventoryEntry } from "../../../../server/topics.ts";
import { measurementsOf, textOf } from "./device-record.ts";
import type { Measurements } from "./device-record.ts";

const nothingMeasured: Measurements = new Map();

/** The page’s knowledge about a device at one moment. Replaced and never changed. */
export class Device {
  readonly name: string;
  readonly deviceType: string;
  readonly simulated: boolean;
  readonly online: boolean;
  readonly since: number | undefined;
  readonly lastSeen: number | undefined;
  /** The actions that it can be asked for. */
  readonly actions: readonly string[];
  /** Its newest report; undefined while the device is offline or filtered out. */
  readonly record: DeviceReport | undefined;
  readonly site: string | undefined;
  /** Whether it is offline or over a limit. */
  readonly needsAttention: boolean;
  #measurements: Measurements | undefined;

  constructor(name: string, known: Known) {
    const { entry, report } = known;
    this.name = name;
    // A report without an inventory entry means that the device is online.
    this.online = entry?.online ?? true;
    this.deviceType = report?.deviceType ?? entry?.deviceType ?? "";
    this.simulated = report?.simulated === true || entry?.simulated === true;
    this.since = entry?.since;
    this.lastSeen = entry?.lastSeen;
    this.actions = report?.actions ?? entry?.actions ?? [];
    this.record = this.online ? report : undefined;
    // The inventory has no site, so that an offline device keeps the one that it reported.
    this.site = textOf(report?.["site"]) ?? known.site;
    this.needsAttention = !this.online || known.isOver;
  }

  /** Computed when first needed, because most reports of a large fleet are never shown. */
  get measurements(): Measurements {
    return (this.#measurements ??= this.record ? measurementsOf(this.record) : nothingMeasured);
  }
}

/** The facts about a device from the two topics and from its earlier reports. */
export interface Known {
  readonly entry: InventoryEntry | undefined;
  readonly report: DeviceReport | undefined;
  readonly site: string | undefined;
  readonly isOver: boolean;
}
