import { stripMs } from "./age-samples.ts";
import type { AgeSample } from "./age-samples.ts";

export interface StripPoint {
  readonly x: number;
  readonly y: number;
}

const lowestMs = 1;
const highestMs = 10_000;
export const stripTicksMs: readonly number[] = [1, 10, 100, 1_000, 10_000];
const edge = 5;

/** The height of an age: logarithmic, 1 ms at the bottom and 10 s at the top. */
export function stripY(ageMs: number, height: number): number {
  const bounded = Math.min(highestMs, Math.max(lowestMs, ageMs));
  const share = Math.log(bounded / lowestMs) / Math.log(highestMs / lowestMs);
  return height - edge - share * (height - 2 * edge);
}

/** One dot per report: the newest minute from left to right. */
export function stripPoints(
  samples: readonly AgeSample[],
  nowMs: number,
  box: { readonly width: number; readonly height: number },
): StripPoint[] {
  return samples.map(({ atMs, ageMs }) => ({
    x: Math.round(10 * box.width * (1 - (nowMs - atMs) / stripMs)) / 10,
    y: Math.round(10 * stripY(ageMs, box.height)) / 10,
  }));
}
