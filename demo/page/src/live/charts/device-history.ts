import type { Measurements } from "../devices/device-record.ts";

const maxPoints = 320;
const maxMeasures = 80;
const maxDevices = 500;
/**
 * Reports arrive every second; after a longer silence, a line between two points would be invented.
 */
const gapMs = 3_500;

/** A device that was silent for longer gives its place to one that reports. */
const silentMs = 10_000;

/** Times in seconds, then one array per measure; null where nothing is drawn. */
export type Columns = [times: number[], ...measures: (number | null)[][]];

export interface ReportTimes {
  readonly atMs: number;
  /** The device's own time of the measurement, so that a repeated report is not drawn twice. */
  readonly stamp: number | undefined;
}

/**
 * The last five minutes of a limited number of devices, in ring buffers of fixed size.
 *
 * In a larger fleet these are the first ones, and those that someone looks at.
 */
export class DeviceHistory {
  readonly #rings = new Map<string, Ring>();

  /** Whether a report of this device would be kept; a device that is still heard keeps its place. */
  accepts(device: string, atMs: number): boolean {
    if (this.#rings.has(device) || this.#rings.size < maxDevices) return true;
    const [oldest] = this.#rings.values();
    return oldest !== undefined && atMs - oldest.lastMs > silentMs;
  }

  /** Keeps the history of this device from now on, in the place of another one if need be. */
  watch(device: string): void {
    if (!this.#rings.has(device)) this.#place(device, new Ring());
  }

  add(device: string, measurements: Measurements, times: ReportTimes): void {
    if (measurements.size === 0 || !this.accepts(device, times.atMs)) return;
    const ring = this.#rings.get(device) ?? new Ring();
    // Reinserted last, so that the first entry is always the device that was silent longest.
    this.#rings.delete(device);
    this.#place(device, ring);
    ring.add(measurements, times);
  }

  #place(device: string, ring: Ring): void {
    this.#rings.set(device, ring);
    const oldest = this.#rings.keys().next().value;
    if (this.#rings.size > maxDevices && oldest !== undefined) this.#rings.delete(oldest);
  }

  /** The points of these measures since a moment, with gaps, ready for a chart. */
  columns(device: string, measures: readonly string[], sinceMs: number): Columns {
    return this.#rings.get(device)?.columns(measures, sinceMs) ?? [[], ...measures.map(() => [])];
  }

  /** The names of all measures that this device has reported. */
  measures(device: string): string[] {
    return this.#rings.get(device)?.measures() ?? [];
  }

  points(device: string): number {
    return this.#rings.get(device)?.length ?? 0;
  }

  get devices(): number {
    return this.#rings.size;
  }
}

class Ring {
  readonly #times = new Float64Array(maxPoints);
  readonly #measures = new Map<string, Float64Array>();
  #next = 0;
  lastMs = 0;
  #stamp: number | undefined;
  length = 0;

  add(measurements: Measurements, { atMs, stamp }: ReportTimes): void {
    if (stamp !== undefined && stamp === this.#stamp) return;
    this.#stamp = stamp;
    const slot = this.#next;
    // Time never goes back, whatever a device's clock does.
    this.lastMs = Math.max(atMs, this.lastMs + 1);
    this.#times[slot] = this.lastMs;
    for (const values of this.#measures.values()) values[slot] = Number.NaN;
    for (const [name, value] of measurements) {
      const values = this.#valuesOf(name);
      if (values) values[slot] = value;
    }
    this.#next = (slot + 1) % maxPoints;
    this.length = Math.min(this.length + 1, maxPoints);
  }

  columns(measures: readonly string[], sinceMs: number): Columns {
    const times: number[] = [];
    const rows = measures.map((name) => ({
      values: this.#measures.get(name),
      out: [] as (number | null)[],
    }));
    let previous = Number.NaN;
    for (let index = 0; index < this.length; index += 1) {
      const slot = (this.#next - this.length + index + maxPoints) % maxPoints;
      const at = this.#times[slot] ?? 0;
      if (at < sinceMs) continue;
      if (at - previous > gapMs) {
        times.push((previous + 1) / 1_000);
        for (const row of rows) row.out.push(null);
      }
      times.push(at / 1_000);
      for (const row of rows) row.out.push(drawable(row.values?.[slot]));
      previous = at;
    }
    return [times, ...rows.map((row) => row.out)];
  }

  measures(): string[] {
    return [...this.#measures.keys()];
  }

  #valuesOf(name: string): Float64Array | undefined {
    let values = this.#measures.get(name);
    if (!values && this.#measures.size < maxMeasures) {
      values = new Float64Array(maxPoints).fill(Number.NaN);
      this.#measures.set(name, values);
    }
    return values;
  }
}

function drawable(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
