const maxPoints = 64;

/** The last minute of one measure, small enough to be kept for every device of a large fleet. */
export class SparkRing {
  readonly #times = new Float64Array(maxPoints);
  readonly #values = new Float32Array(maxPoints);
  #count = 0;

  add(atMs: number, value: number): void {
    const slot = this.#count % maxPoints;
    this.#times[slot] = atMs;
    this.#values[slot] = value;
    this.#count += 1;
  }

  get length(): number {
    return Math.min(this.#count, maxPoints);
  }

  /** The points since a moment, oldest first; times in seconds. A silence is a gap. */
  points(sinceMs: number): { times: number[]; values: (number | null)[] } {
    const times: number[] = [];
    const values: (number | null)[] = [];
    let previous = Number.NaN;
    for (let index = this.#count - this.length; index < this.#count; index += 1) {
      const slot = index % maxPoints;
      const at = this.#times[slot]!;
      if (at < sinceMs) continue;
      if (at - previous > gapMs) {
        times.push(previous / 1_000);
        values.push(null);
      }
      times.push(at / 1_000);
      values.push(this.#values[slot]!);
      previous = at;
    }
    return { times, values };
  }
}

/** Devices can be asked to report every 5 s; after a longer silence, a line would be invented. */
const gapMs = 6_000;
