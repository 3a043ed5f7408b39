import type { DeviceReport, InventoryEntry } from "../../../../server/topics.ts";
import { SparkRing } from "../charts/spark-ring.ts";
import { Pressure } from "./attention.ts";
import { Device } from "./device.ts";
import { sparkValueOf, textOf } from "./device-record.ts";

/** The content of the two topics, by device name. */
export interface Topics {
  readonly reports: ReadonlyMap<string, DeviceReport>;
  readonly inventory: ReadonlyMap<string, InventoryEntry>;
  /** False while reports are still arriving. */
  readonly isComplete: boolean;
}

interface Slot {
  readonly name: string;
  /** Compares as the rows do: real devices first, then by name, with numbers as numbers. */
  order: string;
  readonly spark: SparkRing;
  readonly pressure: Pressure;
  entry: InventoryEntry | undefined;
  report: DeviceReport | undefined;
  device: Device;
  /** Names, site, model and host name in lower case, for the search. */
  text: string;
}

/**
 * The devices of both topics: `inventory` knows who is online, `devices` has the values.
 *
 * A plain store without reactivity, because thousands of reports arrive per second and few are
 * shown. It is brought up to date once per redraw, from the maps that the client keeps anyway.
 */
export class Fleet {
  readonly #slots = new Map<string, Slot>();
  #sorted: Slot[] | undefined = [];
  readonly #onReport: (name: string, report: DeviceReport) => number;

  /** @param onReport called for each new report; returns when it was measured, in ms */
  constructor(onReport: (name: string, report: DeviceReport) => number = () => Date.now()) {
    this.#onReport = onReport;
  }

  /** Takes over what changed; an unchanged device stays the same object. */
  update({ reports, inventory, isComplete }: Topics): void {
    for (const [name, entry] of inventory) {
      const slot = this.#slots.get(name) ?? this.#newSlot(name);
      if (slot.entry !== entry) this.#change(slot, entry, slot.report);
    }
    for (const [name, report] of reports) {
      const slot = this.#slots.get(name) ?? this.#newSlot(name);
      if (slot.report !== report) this.#change(slot, slot.entry, report);
    }
    for (const slot of this.#slots.values()) {
      const { name } = slot;
      const entry = inventory.get(name);
      // While values are requested again, the old ones stay visible until the new ones arrive.
      const report = reports.get(name) ?? (isComplete ? undefined : slot.report);
      if (entry === undefined && report === undefined) this.#remove(slot);
      else if (entry !== slot.entry || report !== slot.report) this.#change(slot, entry, report);
    }
  }

  /** All devices, by name. */
  all(): Device[] {
    this.#sorted ??= [...this.#slots.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
    return this.#sorted.map(({ device }) => device);
  }

  get(name: string): Device | undefined {
    return this.#slots.get(name)?.device;
  }

  sparkOf(name: string): SparkRing | undefined {
    return this.#slots.get(name)?.spark;
  }

  /** The text in which a search looks for its words. */
  searchText(name: string): string {
    return this.#slots.get(name)?.text ?? "";
  }

  #change(slot: Slot, entry: InventoryEntry | undefined, report: DeviceReport | undefined): void {
    const isNew = report !== undefined && report !== slot.report;
    slot.entry = entry;
    slot.report = report;
    if (isNew) this.#addReport(slot, report);
    if (entry?.online === false) slot.pressure.clear();
    const before = slot.device;
    const { site, simulated } = before;
    slot.device = new Device(slot.name, { entry, report, site, isOver: slot.pressure.isOver });
    if (simulated !== slot.device.simulated) {
      slot.order = orderOf(slot.device);
      this.#sorted = undefined;
    }
    if (
      isNew &&
      (slot.text === "" || before.record === undefined || before.site !== slot.device.site)
    ) {
      slot.text = textIn(slot.device);
    }
  }

  #addReport({ name, spark, pressure }: Slot, report: DeviceReport): void {
    const atMs = this.#onReport(name, report);
    const value = sparkValueOf(report);
    if (value !== undefined) spark.add(atMs, value);
    pressure.add(report);
  }

  #newSlot(name: string): Slot {
    const known = { entry: undefined, report: undefined, site: undefined, isOver: false };
    const device = new Device(name, known);
    const slot: Slot = {
      name,
      order: orderOf(device),
      spark: new SparkRing(),
      pressure: new Pressure(),
      entry: undefined,
      report: undefined,
      device,
      text: name.toLowerCase(),
    };
    this.#slots.set(name, slot);
    this.#sorted = undefined;
    return slot;
  }

  #remove({ name }: Slot): void {
    this.#slots.delete(name);
    this.#sorted = undefined;
  }
}

/** A collator takes 50 ms to sort 5,000 names, and comparing these keys takes 3 ms. */
function orderOf({ name, simulated }: Device): string {
  const numbered = name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  return `${simulated ? 1 : 0} ${numbered} ${name}`;
}

function textIn({ name, deviceType, site, record }: Device): string {
  return [name, deviceType, site, textOf(record?.["model"]), textOf(record?.["hostname"])]
    .filter((part) => part !== undefined)
    .join(" ")
    .toLowerCase();
}
