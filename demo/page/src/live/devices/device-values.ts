import type { Quantities } from "../../quantities.ts";
import type { TypeFilter } from "./device-rows.ts";
import type { Device } from "./device-list.ts";

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

/** A table's columns; `use` and `details` depend on the device's type. */
export type ColumnId = "name" | "state" | "use" | "details" | "spark" | ValueField;

export function columnsOf(filter: TypeFilter): readonly ColumnId[] {
  if (filter === "machine") {
    return ["name", "state", "cpu", "memory", "load1", "rxBits", "txBits", "uptime", "spark"];
  }
  if (filter === "AP") {
    return ["name", "state", "clients", "channelUse", "signal", "rxBits", "txBits", "spark"];
  }
  return ["name", "state", "use", "rxBits", "txBits", "details", "spark"];
}

/** The columns by which a table can be sorted. */
export function isSortable(column: ColumnId): boolean {
  return column !== "details" && column !== "spark";
}

export function useFieldOf(device: Device): ValueField {
  return device.deviceType === "AP" ? "channelUse" : "cpu";
}

export function detailFieldsOf(device: Device): readonly ValueField[] {
  if (device.deviceType === "AP") return ["clients", "signal"];
  return device.deviceType === "machine" ? ["memory", "load1"] : [];
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
