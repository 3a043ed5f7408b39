import uPlot from "uplot";
import type { Columns } from "../live/charts/device-history.ts";

export interface ChartLook {
  /** The colour of each series; then those of the axes and the grid. */
  readonly series: readonly string[];
  readonly axis: string;
  readonly grid: string;
}

export interface ChartOptions {
  readonly width: number;
  readonly seriesCount: number;
  readonly min?: number;
  readonly max?: number;
  readonly look: () => ChartLook;
  readonly valueText: (value: number) => string;
  readonly timeText: (atMs: number) => string;
  /** The index under the pointer; null when the pointer has left. */
  readonly onHover: (index: number | null) => void;
}

export const chartHeight = 168;
const spanSeconds = 300;
const leastSpanSeconds = 60;

export function newChart(options: ChartOptions, data: Columns, target: HTMLElement): uPlot {
  const { look } = options;
  const axis = { stroke: () => look().axis, font: "12px system-ui, sans-serif" };
  const grid = { stroke: () => look().grid, width: 1 };
  return new uPlot(
    {
      width: options.width,
      height: chartHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      hooks: { setCursor: [(chart) => options.onHover(chart.cursor.idx ?? null)] },
      scales: {
        x: { time: false, range: (_chart, from, to) => timeRange(from, to) },
        y: { range: (_chart, low, high) => valueRange(low, high, options) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          ticks: { ...grid, size: 4 },
          size: 28,
          space: 80,
          values: (_chart, splits) => splits.map((at) => options.timeText(at * 1_000)),
        },
        {
          ...axis,
          grid,
          ticks: { show: false },
          size: (_chart, texts: string[] | null) => valueAxisWidth(texts ?? []),
          space: 36,
          values: (_chart, splits) => splits.map(options.valueText),
        },
      ],
      series: [
        {},
        ...Array.from({ length: options.seriesCount }, (_, index) => ({
          stroke: () => look().series[index] ?? look().axis,
          width: 1.75,
          points: { show: false },
        })),
      ],
    },
    data,
    target,
  );
}

/** The same width for all charts, unless a text needs more: about 7 pixels per character. */
function valueAxisWidth(texts: readonly string[]): number {
  const longest = Math.max(0, ...texts.map((text) => text.length));
  return Math.max(76, 12 + 7 * longest);
}

/** Grows with the data up to five minutes, so that the first minute is not a narrow strip. */
function timeRange(from: number | null, to: number | null): uPlot.Range.MinMax {
  const end = to ?? Date.now() / 1_000;
  return [Math.max(end - spanSeconds, Math.min(from ?? end, end - leastSpanSeconds)), end];
}

function valueRange(
  low: number | null,
  high: number | null,
  { min, max }: ChartOptions,
): uPlot.Range.MinMax {
  const bottom = min ?? Math.floor((low ?? 0) - 3);
  // If all values are zero, any maximum works, but its ticks must not all read as zero.
  const room = min === undefined ? 3 : high ? Math.max(high * 0.1, 0.01) : 10;
  const top = max ?? (high ?? 0) + room;
  return [bottom, top > bottom ? top : bottom + 1];
}
