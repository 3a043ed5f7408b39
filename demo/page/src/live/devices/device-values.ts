import type { Quantities } from "../../quantities.ts";
import type { Device } from "./device.ts";

export const valueFields = [
  "cpu",
  "memory",
  "load1",
  "clients",
  "channelUse",
  "signal",
  "rxBits",
  "txBits",
  "uptime",
] as const;
export type ValueField = (typeof valueFields)[number];

/** A table's columns. */
export type ColumnId = "name" | "state" | "site" | "spark" | ValueField;

/** The columns for the types that are shown: one measure per column, and none that nobody has. */
export function columnsOf(types: ReadonlySet<string>): readonly ColumnId[] {
  if (types.size === 1 && types.has("machine")) {
    return ["name", "state", "cpu", "memory", "load1", "rxBits", "txBits", "uptime", "spark"];
  }
  if (types.size === 1 && types.has("AP")) {
    return [
      "name",
      "state",
      "site",
      "clients",
      "channelUse",
      "signal",
      "rxBits",
      "txBits",
      "spark",
    ];
  }
  return ["name", "state", "site", "cpu", "clients", "channelUse", "rxBits", "txBits", "spark"];
}

/** Narrow screens have room for few values: these, the most important one first. */
export function cardFieldsOf(device: Device): readonly ValueField[] {
  if (device.deviceType === "machine") return ["cpu", "rxBits", "txBits"];
  return device.deviceType === "AP" ? ["channelUse", "txBits", "clients"] : ["rxBits", "txBits"];
}

export function isValue(column: ColumnId): column is ValueField {
  return (valueFields as readonly string[]).includes(column);
}

/** The columns by which a table can be sorted. */
export function isSortable(column: ColumnId): boolean {
  return column !== "spark";
}

/** The measure in this device's sparkline. */
export function sparkMeasureOf(device: Device): "cpu" | "traffic" {
  return device.deviceType === "machine" ? "cpu" : "traffic";
}

export function valueText(device: Device, field: ValueField, q: Quantities): string {
  const value = device.measurements.get(field);
  switch (field) {
    case "cpu":
    case "memory":
    case "channelUse":
      return q.percent(value);
    case "load1":
      return q.number(value, 2);
    case "clients":
      return q.number(value);
    case "signal":
      return q.decibels(value);
    case "rxBits":
    case "txBits":
      return q.data(value, "bit/s");
    case "uptime":
      return q.duration(value);
  }
}
