export const stripMs = 60_000;
const maxAges = 900;

export interface AgeSample {
  readonly atMs: number;
  readonly ageMs: number;
}

/** How old each report was when it arrived: the newest minute one by one, the rest as figures. */
export class AgeSamples {
  #strip: AgeSample[] = [];
  readonly #ages: number[] = [];
  readonly #reports = new Set<number>();
  readonly #startedMs: number;
  #shown: { reportMs: number; sinceMs: number } | undefined;
  #shownArea = 0;
  #shownMs = 0;

  /** @param startedMs older reports were not this way's to deliver, and are not counted */
  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** @param reportMs the moment of measurement, by the server's clock as `nowMs` is */
  add(reportMs: number, nowMs: number): void {
    if (reportMs < this.#startedMs) return;
    const ageMs = Math.max(0, nowMs - reportMs);
    this.#reports.add(reportMs);
    this.#addShown(nowMs);
    this.#shown = { reportMs, sinceMs: nowMs };
    this.#ages.push(ageMs);
    if (this.#ages.length > maxAges) this.#ages.shift();
    this.#strip.push({ atMs: nowMs, ageMs });
  }

  /** Distinct reports seen, however often each came. */
  get reports(): number {
    return this.#reports.size;
  }

  get arrivals(): number {
    return this.#ages.length;
  }

  /** The age of the newest report held, averaged over all moments since the first one came. */
  shownAge(nowMs: number): number | undefined {
    this.#addShown(nowMs);
    return this.#shownMs > 0 ? this.#shownArea / this.#shownMs : undefined;
  }

  #addShown(nowMs: number): void {
    if (!this.#shown || nowMs <= this.#shown.sinceMs) return;
    const { reportMs, sinceMs } = this.#shown;
    const spanMs = nowMs - sinceMs;
    // Age grows evenly between two arrivals, so its mean is that of the two ends.
    this.#shownArea += (spanMs * (nowMs - reportMs + (sinceMs - reportMs))) / 2;
    this.#shownMs += spanMs;
    this.#shown = { reportMs, sinceMs: nowMs };
  }

  strip(nowMs: number): readonly AgeSample[] {
    this.#strip = this.#strip.filter((sample) => nowMs - sample.atMs <= stripMs);
    return this.#strip;
  }

  /** The age that this share (0 to 1) of the arrivals stayed under; undefined before the first. */
  quantile(share: number): number | undefined {
    const sorted = this.#ages.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }
}
