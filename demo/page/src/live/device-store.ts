import type { WsRecord } from "../ws-real-data.ts";
import { DeviceHistory } from "./device-history.ts";
import { inventoryEntryOf, measurementsOf, numberOf, textOf } from "./device-record.ts";
import type { InventoryEntry, Measurements } from "./device-record.ts";

/** What the page knows about one device. Replaced, never changed, so that views can compare. */
export interface Device {
  readonly name: string;
  readonly deviceType: string;
  readonly simulated: boolean;
  readonly online: boolean;
  readonly since: number | undefined;
  readonly lastSeen: number | undefined;
  /** The newest record; undefined while the device is offline or not asked for. */
  readonly record: WsRecord | undefined;
  readonly measurements: Measurements;
}

interface Held<T> {
  readonly value: T;
  /** The connection, by number, that brought it. */
  readonly connection: number;
}

type Topic = "devices" | "inventory";
const nothingMeasured: Measurements = new Map();

/**
 * The two topics as the page holds them.
 *
 * `inventory` decides who is online; `devices` brings the values. After a reconnect the server
 * sends the state again but not the removals the page missed, so each entry remembers its
 * connection and `sweep` drops those that the newest connection did not bring.
 */
export class DeviceStore {
  readonly history: DeviceHistory = new DeviceHistory();
  readonly #records = new Map<string, Held<WsRecord>>();
  readonly #inventory = new Map<string, Held<InventoryEntry>>();
  readonly #devices = new Map<string, Device>();
  readonly #connections: Record<Topic, number> = { devices: 0, inventory: 0 };
  readonly #onChange: () => void;

  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  device(name: string): Device | undefined {
    return this.#devices.get(name);
  }

  devices(): Device[] {
    return [...this.#devices.values()];
  }

  /**
   * A new connection of this topic has opened: what it brings is the truth from here on.
   *
   * @returns its number, for `sweep`
   */
  connected(topic: Topic): number {
    this.#connections[topic] += 1;
    return this.#connections[topic];
  }

  /** Drops what this connection has not brought; does nothing if a newer one has taken over. */
  sweep(topic: Topic, connection: number): void {
    if (connection !== this.#connections[topic]) return;
    const held: Map<string, Held<unknown>> = topic === "devices" ? this.#records : this.#inventory;
    for (const [name, { connection: from }] of held) {
      if (from === connection) continue;
      held.delete(name);
      this.#refresh(name);
    }
  }

  /** A message of `devices`: a record, or `{"removed": name}`. */
  applyRecord(record: WsRecord, nowMs: number): void {
    const removed = textOf(record["removed"]);
    if (removed !== undefined) {
      this.#records.delete(removed);
      return this.#refresh(removed);
    }
    const name = textOf(record["name"]);
    if (name === undefined) return console.warn("record ignored, it has no name:", record);
    const isRepeat = isSameReport(this.#records.get(name)?.value, record);
    this.#records.set(name, { value: record, connection: this.#connections.devices });
    this.#refresh(name);
    // The state is sent again when params change: the same report is not a second point.
    const measured = this.#devices.get(name)?.measurements;
    if (measured && measured.size > 0 && !isRepeat) this.history.add(name, measured, nowMs);
  }

  /** A message of `inventory`: an entry, or `{"removed": name}`. */
  applyInventory(record: WsRecord): void {
    const removed = textOf(record["removed"]);
    if (removed !== undefined) {
      this.#inventory.delete(removed);
      return this.#refresh(removed);
    }
    const entry = inventoryEntryOf(record);
    if (!entry) return console.warn("inventory entry ignored, it has no name:", record);
    this.#inventory.set(entry.name, { value: entry, connection: this.#connections.inventory });
    this.#refresh(entry.name);
  }

  /** Drops the records that these params do not ask for: the server will not renew them. */
  narrow(params: Readonly<Record<string, unknown>>): void {
    for (const [name, { value }] of this.#records) {
      if (Object.entries(params).every(([field, wanted]) => value[field] === wanted)) continue;
      this.#records.delete(name);
      this.#refresh(name);
    }
  }

  #refresh(name: string): void {
    const entry = this.#inventory.get(name)?.value;
    const record = this.#records.get(name)?.value;
    if (entry || record) this.#devices.set(name, merged(name, entry, record));
    // Its history stays: after a restart of the server the device will be back.
    else this.#devices.delete(name);
    this.#onChange();
  }
}

function merged(name: string, entry?: InventoryEntry, record?: WsRecord): Device {
  // Without an inventory entry a record still means: online now.
  const online = entry?.online ?? true;
  const shown = online ? record : undefined;
  return {
    name,
    deviceType: textOf(record?.["deviceType"]) ?? entry?.deviceType ?? "",
    simulated: record?.["simulated"] === true || entry?.simulated === true,
    online,
    since: entry?.since,
    lastSeen: entry?.lastSeen,
    record: shown,
    measurements: shown ? measurementsOf(shown) : nothingMeasured,
  };
}

function isSameReport(held: WsRecord | undefined, record: WsRecord): boolean {
  const at = numberOf(record["at"]);
  return held !== undefined && at !== undefined && numberOf(held["at"]) === at;
}
