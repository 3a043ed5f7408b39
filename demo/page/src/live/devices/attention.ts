import type { WsRecord } from "../../ws-real-data.ts";
import { numberOf } from "./device-record.ts";
import type { Device } from "./device.ts";

/** Above these percentages, a device needs attention. */
export const limits = { cpu: 90, memory: 90, channelUse: 80 } as const;
export type LimitedField = keyof typeof limits;

/** The share of the newest report in the smoothed value: one peak is not a condition. */
const newestShare = 0.2;
/** A value must fall this far below its limit, so that a device does not come and go. */
const clearedShare = 0.94;

/** Smooths how close a device is to its limits; 1 is at the limit. */
export class Pressure {
  #value: number | undefined;
  isOver = false;

  add(record: WsRecord): void {
    const now = pressureOf(record);
    this.#value = this.#value === undefined ? now : this.#value + newestShare * (now - this.#value);
    this.isOver = this.#value >= (this.isOver ? clearedShare : 1);
  }

  clear(): void {
    this.#value = undefined;
    this.isOver = false;
  }
}

/** The fields that are at present over, or close to, the limit that made a device need attention. */
export function isHigh(device: Device, field: string): boolean {
  if (!device.online || !device.needsAttention || !(field in limits)) return false;
  const value = device.measurements.get(field) ?? 0;
  return value >= clearedShare * limits[field as LimitedField];
}

/** The field that is closest to its limit, or furthest over it. */
export function mostPressed({ measurements }: Device): LimitedField {
  const shareOf = (field: LimitedField): number => (measurements.get(field) ?? 0) / limits[field];
  const fields = Object.keys(limits) as LimitedField[];
  return fields.reduce((most, field) => (shareOf(field) > shareOf(most) ? field : most));
}

function pressureOf(record: WsRecord): number {
  const cpu = numberOf((record["cpu"] as WsRecord | undefined)?.["percent"]) ?? 0;
  const memory = record["memory"] as WsRecord | undefined;
  const used = numberOf(memory?.["used"]) ?? 0;
  const total = numberOf(memory?.["total"]) ?? 0;
  const channelUse = numberOf(record["channelUse"]) ?? 0;
  return Math.max(
    cpu / limits.cpu,
    total > 0 ? (100 * used) / total / limits.memory : 0,
    channelUse / limits.channelUse,
  );
}
