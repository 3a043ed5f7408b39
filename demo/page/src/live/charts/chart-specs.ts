import type { Quantities } from "../../quantities.ts";
import type { Texts } from "../../texts/en.ts";

export type ChartUnit =
  | "percent"
  | "bytes"
  | "bytes-per-second"
  | "bits"
  | "packets"
  | "dBm"
  | "one";

export interface ChartSeries {
  readonly measure: string;
  readonly label: string;
}

/** One chart on a device's page. */
export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: ChartUnit;
  readonly series: readonly ChartSeries[];
  /** The fixed ends of the scale, if the measure has natural ones. */
  readonly min?: number;
  readonly max?: number;
  /** An interface without any traffic is not worth two charts. */
  readonly isShownAtZero: boolean;
}

type AnySpec = Omit<ChartSpec, "isShownAtZero">;

/**
 * Returns the charts for these measures. They come from the history, so offline devices keep
 * theirs.
 */
export function chartsOf(measures: readonly string[], t: Texts): ChartSpec[] {
  const { charts } = t;
  const has = (measure: string): boolean => measures.includes(measure);
  const inAndOut = (rx: string, tx: string): ChartSeries[] => [
    { measure: rx, label: charts.in },
    { measure: tx, label: charts.out },
  ];
  const alone = (measure: string, label: string): ChartSeries[] => [{ measure, label }];
  const interfaces = measures.flatMap((measure) =>
    measure.endsWith(" rxBytes") ? [measure.slice(0, -8)] : [],
  );
  const all: (AnySpec | false)[] = [
    has("cpu") && {
      id: "cpu",
      title: charts.cpu,
      unit: "percent",
      series: alone("cpu", charts.cpu),
      min: 0,
      max: 100,
    },
    has("memoryUsed") && {
      id: "memory",
      title: charts.memory,
      unit: "bytes",
      series: alone("memoryUsed", charts.memory),
      min: 0,
    },
    has("load1") && {
      id: "load",
      title: charts.load,
      unit: "one",
      series: [
        { measure: "load1", label: charts.load1 },
        { measure: "load5", label: charts.load5 },
        { measure: "load15", label: charts.load15 },
      ],
      min: 0,
    },
    has("clients") && {
      id: "clients",
      title: charts.clients,
      unit: "one",
      series: alone("clients", charts.clients),
      min: 0,
    },
    has("channelUse") && {
      id: "channelUse",
      title: charts.channelUse,
      unit: "percent",
      series: alone("channelUse", charts.channelUse),
      min: 0,
      max: 100,
    },
    has("signal") && {
      id: "signal",
      title: charts.signal,
      unit: "dBm",
      series: alone("signal", charts.signal),
    },
    has("clients") &&
      has("rxBits") && {
        id: "throughput",
        title: charts.throughput,
        unit: "bits",
        series: inAndOut("rxBits", "txBits"),
        min: 0,
      },
    ...interfaces.flatMap((name): AnySpec[] => [
      {
        id: `${name}-bytes`,
        title: charts.bytes(name),
        unit: "bytes-per-second",
        series: inAndOut(`${name} rxBytes`, `${name} txBytes`),
        min: 0,
      },
      {
        id: `${name}-packets`,
        title: charts.packets(name),
        unit: "packets",
        series: inAndOut(`${name} rxPackets`, `${name} txPackets`),
        min: 0,
      },
    ]),
  ];
  const ofInterfaces = new Set(interfaces.flatMap((name) => [`${name}-bytes`, `${name}-packets`]));
  return all
    .filter((spec) => spec !== false)
    .map((spec) => ({ ...spec, isShownAtZero: !ofInterfaces.has(spec.id) }));
}

/** Formats a value of a chart for its legend and its scale. */
export function chartText(
  value: number | undefined,
  unit: ChartUnit,
  language: { readonly q: Quantities; readonly t: Texts },
): string {
  const { q, t } = language;
  switch (unit) {
    case "percent":
      return q.percent(value);
    case "bytes":
      return q.data(value, "B");
    case "bytes-per-second":
      return q.data(value, "B/s");
    case "bits":
      return q.data(value, "bit/s");
    case "packets":
      return value === undefined ? q.number(value) : t.charts.packetsUnit(q.number(value));
    case "dBm":
      return q.decibels(value);
    case "one":
      return q.number(value, value !== undefined && Number.isInteger(value) ? 0 : 2);
  }
}
