export const stripMs = 60_000;
const maxAges = 900;

export interface AgeSample {
  readonly atMs: number;
  readonly ageMs: number;
}

/** The age of each report on arrival: the newest minute individually, the rest as statistics. */
export class AgeSamples {
  #strip: AgeSample[] = [];
  readonly #ages: number[] = [];
  readonly #reports = new Set<number>();
  readonly #startedMs: number;
  #shown: { reportMs: number; sinceMs: number } | undefined;
  #shownArea = 0;
  #shownMs = 0;

  /** @param startedMs older reports are not counted, because they predate this run */
  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** @param reportMs when it was measured, by the same clock as `nowMs` */
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

  /** The number of distinct reports, however often each arrived. */
  get reports(): number {
    return this.#reports.size;
  }

  get arrivals(): number {
    return this.#ages.length;
  }

  /** The age of what a page shows at this moment. */
  currentAge(nowMs: number): number | undefined {
    return this.#shown && Math.max(0, nowMs - this.#shown.reportMs);
  }

  /** The average age of the newest report, over all moments since the first one arrived. */
  shownAge(nowMs: number): number | undefined {
    this.#addShown(nowMs);
    return this.#shownMs > 0 ? this.#shownArea / this.#shownMs : undefined;
  }

  #addShown(nowMs: number): void {
    if (!this.#shown || nowMs <= this.#shown.sinceMs) return;
    const { reportMs, sinceMs } = this.#shown;
    const spanMs = nowMs - sinceMs;
    // Age grows linearly between two arrivals, so its mean is the mean of both ends.
    this.#shownArea += (spanMs * (nowMs - reportMs + (sinceMs - reportMs))) / 2;
    this.#shownMs += spanMs;
    this.#shown = { reportMs, sinceMs: nowMs };
  }

  strip(nowMs: number): readonly AgeSample[] {
    this.#strip = this.#strip.filter((sample) => nowMs - sample.atMs <= stripMs);
    return this.#strip;
  }

  /** The age below which this share (0 to 1) of the arrivals was; undefined before the first. */
  quantile(share: number): number | undefined {
    const sorted = this.#ages.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }
}
