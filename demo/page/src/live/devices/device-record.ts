import type { WsRecord } from "../../ws-real-data.ts";

/** A record's measured values by a flat name: `cpu`, `memoryUsed`, `eth0 rxBytes`. */
export type Measurements = ReadonlyMap<string, number>;

export const interfaceMeasures = ["rxBytes", "txBytes", "rxPackets", "txPackets"] as const;

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Extracts every measured value; a missing or malformed field is left out. */
export function measurementsOf(record: WsRecord): Measurements {
  const found = new Map<string, number>();
  const keep = (name: string, value: unknown): void => {
    const number = numberOf(value);
    if (number !== undefined) found.set(name, number);
  };
  for (const name of ["uptime", "clients", "channel", "channelUse", "signal"]) {
    keep(name, record[name]);
  }
  keep("rxBits", record["rxBitsPerSecond"]);
  keep("txBits", record["txBitsPerSecond"]);
  const cpu = fieldsOf(record["cpu"]);
  keep("cpu", cpu["percent"]);
  const load = Array.isArray(cpu["load"]) ? cpu["load"] : [];
  ["load1", "load5", "load15"].forEach((name, index) => keep(name, load[index]));
  const memory = fieldsOf(record["memory"]);
  keep("memoryUsed", memory["used"]);
  keep("memoryTotal", memory["total"]);
  for (const one of interfacesOf(record)) {
    for (const measure of interfaceMeasures) {
      keep(`${one.name} ${measure}`, one.fields[`${measure}PerSecond`]);
    }
  }
  keepDerived(found, record);
  return found;
}

/** The value of a report in its sparkline: a machine's CPU, or another device's traffic. */
export function sparkValueOf(record: WsRecord): number | undefined {
  if (record["deviceType"] === "machine") return numberOf(fieldsOf(record["cpu"])["percent"]);
  const rx = numberOf(record["rxBitsPerSecond"]);
  const tx = numberOf(record["txBitsPerSecond"]);
  if (rx !== undefined || tx !== undefined) return (rx ?? 0) + (tx ?? 0);
  return record["interfaces"] === undefined ? undefined : measurementsOf(record).get("traffic");
}

export function interfacesOf(record: WsRecord): { name: string; fields: WsRecord }[] {
  const list = Array.isArray(record["interfaces"]) ? record["interfaces"] : [];
  return list.map(fieldsOf).flatMap((fields) => {
    const name = textOf(fields["name"]);
    return name === undefined ? [] : [{ name, fields }];
  });
}

/** Adds ratios and sums that every device type has, so that one table can compare them. */
function keepDerived(found: Map<string, number>, record: WsRecord): void {
  const used = found.get("memoryUsed");
  const total = found.get("memoryTotal");
  if (used !== undefined && total) found.set("memory", (100 * used) / total);
  const names = interfacesOf(record).map((one) => one.name);
  const outside = names.filter((name) => name !== "lo");
  for (const way of ["rx", "tx"]) {
    if (found.has(`${way}Bits`)) continue;
    const parts = (outside.length > 0 ? outside : names)
      .map((name) => found.get(`${name} ${way}Bytes`))
      .filter((part) => part !== undefined);
    if (parts.length > 0) found.set(`${way}Bits`, 8 * parts.reduce((sum, part) => sum + part, 0));
  }
  const traffic = [found.get("rxBits"), found.get("txBits")];
  if (traffic.some((part) => part !== undefined)) {
    found.set("traffic", (traffic[0] ?? 0) + (traffic[1] ?? 0));
  }
}

function fieldsOf(value: unknown): WsRecord {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as WsRecord) : {};
}
