import { wayIds } from "./way.ts";
import type { WayId } from "./way.ts";

export interface LinePoint {
  readonly atMs: number;
  readonly value: number;
}

export type Lines = Readonly<Record<WayId, readonly LinePoint[]>>;

/** A run's figures over time, for the newest minute. */
export class RunLines {
  readonly lines: Readonly<Record<WayId, LinePoint[]>> = {
    poll: [],
    "long-poll": [],
    sse: [],
    websocket: [],
  };
  readonly #spanMs: number;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** @param valueOf a way's figure now; undefined if it is not known */
  add(atMs: number, valueOf: (way: WayId) => number | undefined): void {
    for (const way of wayIds) {
      const line = this.lines[way];
      const value = valueOf(way);
      if (value !== undefined) line.push({ atMs, value });
      while (line[0] && atMs - line[0].atMs > this.#spanMs) line.shift();
    }
  }
}

export interface LineBox {
  readonly width: number;
  readonly height: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The value at the upper edge. */
  readonly top: number;
}

/** Returns the `d` of an SVG path through the points. */
export function linePath(points: readonly LinePoint[], box: LineBox): string {
  const spanMs = Math.max(1, box.toMs - box.fromMs);
  return points
    .map(({ atMs, value }, index) => {
      const x = (box.width * (atMs - box.fromMs)) / spanMs;
      const y = box.height * (1 - Math.min(value, box.top) / box.top);
      return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}

/** The next round number that is not below any value: 1, 2 or 5 times a power of ten. */
export function topOf(lines: Lines, least: number): number {
  const highest = Math.max(
    least,
    ...Object.values(lines)
      .flat()
      .map(({ value }) => value),
  );
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 5, 10].find((step) => step * power >= highest) ?? 10);
}
