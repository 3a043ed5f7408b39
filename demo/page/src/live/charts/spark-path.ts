export interface SparkBox {
  readonly width: number;
  readonly height: number;
  /** The time span of the width; the newest point is at the right end. */
  readonly seconds: number;
  readonly top?: number;
}

/** Returns the `d` of an SVG path through the points, interrupted where a value is null. */
export function sparkPath(
  times: readonly number[],
  values: readonly (number | null)[],
  box: SparkBox,
): string {
  const end = times.at(-1) ?? 0;
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  const top = box.top ?? (highest || 1);
  const usable = box.height - 2;
  let command = "M";
  const steps: string[] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) {
      command = "M";
      continue;
    }
    const x = box.width * (1 - (end - (times[index] ?? end)) / box.seconds);
    const y = 1 + usable * (1 - Math.min(value, top) / top);
    steps.push(`${command}${x.toFixed(1)} ${y.toFixed(1)}`);
    command = "L";
  }
  return steps.join("");
}
