export type Unit = "B" | "B/s" | "bit/s";

const scales: Record<Unit, readonly (readonly [number, string])[]> = {
  B: [
    [1e12, "terabyte"],
    [1e9, "gigabyte"],
    [1e6, "megabyte"],
    [1e3, "kilobyte"],
    [0, "byte"],
  ],
  "B/s": [
    [1e9, "gigabyte-per-second"],
    [1e6, "megabyte-per-second"],
    [1e3, "kilobyte-per-second"],
    [0, "byte-per-second"],
  ],
  "bit/s": [
    [1e9, "gigabit-per-second"],
    [1e6, "megabit-per-second"],
    [1e3, "kilobit-per-second"],
    [0, "bit-per-second"],
  ],
};

/** From this share of a unit, the value in the next smaller unit would be shown as 1,000. */
const roundsUpFrom = 0.9995;

export const missing = "—";

/** Formats quantities in one language. Every function shows a missing value as a dash. */
export interface Quantities {
  number(value: number | undefined, digits?: number): string;
  percent(value: number | undefined): string;
  decibels(value: number | undefined): string;
  data(value: number | undefined, unit: Unit): string;
  duration(seconds: number | undefined): string;
  milliseconds(value: number | undefined): string;
  fineMilliseconds(value: number | undefined): string;
  ago(sinceMs: number | undefined, nowMs: number): string;
  clock(atMs: number | undefined): string;
  hourMinute(atMs: number | undefined): string;
  clockWithMs(atMs: number | undefined): string;
  moment(atMs: number | undefined): string;
}

export function quantitiesOf(locale: string): Quantities {
  const formats = new Map<string, Intl.NumberFormat>();
  const unitFormat = (unit: string, digits: number): Intl.NumberFormat => {
    const key = `${unit} ${digits}`;
    const format = formats.get(key) ?? newUnitFormat(locale, unit, digits);
    formats.set(key, format);
    return format;
  };
  const dates = dateFormats(locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
  return {
    number: shown((value, digits = 0) =>
      value.toLocaleString(locale, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
    ),
    percent: shown((value) =>
      (value / 100).toLocaleString(locale, { style: "percent", maximumFractionDigits: 0 }),
    ),
    decibels: shown((value) => `${value.toFixed(0).replace("-", "\u2212")} dBm`),
    data: shown((value, unit: Unit) => {
      // 999,600 is 1 MB and not 1,000 kB: what counts is the rounded number.
      const scale = scales[unit].find(([from]) => value >= from * roundsUpFrom) ?? [0, "byte"];
      const scaled = value / (scale[0] || 1);
      return spaced(unitFormat(scale[1], scaled < 10 && scale[0] > 0 ? 1 : 0).format(scaled));
    }),
    duration: shown((seconds) =>
      durationParts(seconds)
        .map(([amount, unit]) => spaced(unitFormat(unit, 0).format(amount)))
        .join(" "),
    ),
    milliseconds: shown((value) =>
      Math.abs(value) < 999.5
        ? unitFormat("millisecond", 0).format(Math.round(value) + 0) // no "-0"
        : spaced(unitFormat("second", value % 1_000 === 0 ? 0 : 1).format(value / 1_000)),
    ),
    fineMilliseconds: shown((value) => unitFormat("millisecond", 2).format(value)),
    ago: shown((sinceMs, nowMs: number) => {
      const [amount, unit] = relativeParts(Math.max(0, (nowMs - sinceMs) / 1_000));
      return relative.format(-amount, unit);
    }),
    clock: shown((atMs) => dates.clock.format(atMs)),
    hourMinute: shown((atMs) => dates.hourMinute.format(atMs)),
    clockWithMs: shown((atMs) => dates.clockWithMs.format(atMs)),
    moment: shown((atMs) => dates.moment.format(atMs)),
  };
}

/** The short forms have no space between the number and a Latin unit: "312B", "3h". */
function spaced(text: string): string {
  return text.replace(/(\d)([a-z])/i, "$1\u202f$2");
}

/** The one rule for missing values. */
function shown<Rest extends unknown[]>(
  format: (value: number, ...rest: Rest) => string,
): (value: number | undefined, ...rest: Rest) => string {
  return (value, ...rest) =>
    value === undefined || !Number.isFinite(value) ? missing : format(value, ...rest);
}

function newUnitFormat(locale: string, unit: string, digits: number): Intl.NumberFormat {
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit,
    // Spelled out, "312 byte" looks like a mistake, and "3 days 4 hr" is too long for a table.
    unitDisplay: ["byte", "byte-per-second", "day", "hour", "minute", "second"].includes(unit)
      ? "narrow"
      : "short",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function dateFormats(
  locale: string,
): Record<"clock" | "hourMinute" | "clockWithMs" | "moment", Intl.DateTimeFormat> {
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return {
    clock: new Intl.DateTimeFormat(locale, time),
    hourMinute: new Intl.DateTimeFormat(locale, {
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    }),
    clockWithMs: new Intl.DateTimeFormat(locale, { ...time, fractionalSecondDigits: 3 }),
    moment: new Intl.DateTimeFormat(locale, {
      dateStyle: "medium",
      timeStyle: "medium",
      hourCycle: "h23",
    }),
  };
}

function durationParts(seconds: number): [number, string][] {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3_600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0)
    return [
      [days, "day"],
      [hours, "hour"],
    ];
  if (hours > 0)
    return [
      [hours, "hour"],
      [minutes, "minute"],
    ];
  if (minutes > 0)
    return [
      [minutes, "minute"],
      [whole % 60, "second"],
    ];
  return [[whole, "second"]];
}

function relativeParts(seconds: number): [number, Intl.RelativeTimeFormatUnit] {
  if (seconds < 60) return [Math.floor(seconds), "second"];
  if (seconds < 3_600) return [Math.floor(seconds / 60), "minute"];
  if (seconds < 86_400) return [Math.floor(seconds / 3_600), "hour"];
  return [Math.floor(seconds / 86_400), "day"];
}
