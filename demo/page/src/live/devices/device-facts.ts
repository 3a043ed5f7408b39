import type { Quantities } from "../../quantities.ts";
import { missing } from "../../quantities.ts";
import type { Texts } from "../../texts/en.ts";
import { interfacesOf, numberOf, textOf } from "./device-record.ts";
import type { Device } from "./device.ts";

export interface Fact {
  readonly field: string;
  readonly label: string;
  readonly value: string;
}

export interface InterfaceFact {
  readonly name: string;
  readonly totalIn: string;
  readonly totalOut: string;
}

/** The constant values of a record, as label and value. */
export function factsOf(device: Device, t: Texts, q: Quantities): Fact[] {
  const { record, measurements } = device;
  const text = (field: "hostname" | "platform" | "release" | "arch" | "model" | "site"): Fact => ({
    field,
    label: t.device[field],
    value: textOf(record?.[field]) ?? missing,
  });
  const uptime: Fact = {
    field: "uptime",
    label: t.device.uptime,
    value: q.duration(measurements.get("uptime")),
  };
  if (device.deviceType === "AP") {
    const channel = q.number(measurements.get("channel"));
    return [
      text("model"),
      text("site"),
      { field: "channel", label: t.device.channel, value: channel },
      uptime,
    ];
  }
  const { cores } = (record?.["cpu"] ?? {}) as { cores?: unknown };
  const total = q.data(measurements.get("memoryTotal"), "B");
  return [
    text("hostname"),
    text("platform"),
    text("release"),
    text("arch"),
    { field: "cores", label: t.device.cores, value: q.number(numberOf(cores)) },
    { field: "memoryTotal", label: t.device.memoryTotal, value: total },
    uptime,
  ];
}

export function interfaceFactsOf(device: Device, q: Quantities): InterfaceFact[] {
  return interfacesOf(device.record ?? {}).map(({ name, fields }) => ({
    name,
    totalIn: q.data(numberOf(fields["rxBytes"]), "B"),
    totalOut: q.data(numberOf(fields["txBytes"]), "B"),
  }));
}
