/** The fields of a device's report that the example shows; machines and access points report different ones. */
interface DeviceReport {
  readonly name: string;
  readonly cpu?: { readonly percent?: number };
  readonly channelUse?: number;
  readonly rxBitsPerSecond?: number;
  readonly txBitsPerSecond?: number;
  readonly interfaces?: readonly {
    readonly rxBytesPerSecond: number;
    readonly txBytesPerSecond: number;
  }[];
}

export interface DeviceRow {
  readonly name: string;
  /** In percent. */
  readonly load: number;
  readonly receivedBits: number;
  readonly sentBits: number;
}

/** The table's rows, by name. Any server can be asked: what has no name of a device is left out. */
export function deviceRows(reports: Iterable<unknown>): DeviceRow[] {
  return [...reports]
    .filter((report): report is DeviceReport => typeof (report as DeviceReport)?.name === "string")
    .map(rowOf)
    .sort((a, b) => a.name.localeCompare(b.name));
}

function rowOf({ name, cpu, channelUse, interfaces = [], ...report }: DeviceReport): DeviceRow {
  const sum = (field: "rxBytesPerSecond" | "txBytesPerSecond"): number =>
    8 * interfaces.reduce((total, each) => total + each[field], 0);
  return {
    name,
    load: cpu?.percent ?? channelUse ?? 0,
    receivedBits: report.rxBitsPerSecond ?? sum("rxBytesPerSecond"),
    sentBits: report.txBitsPerSecond ?? sum("txBytesPerSecond"),
  };
}

const UNITS = ["bit", "kbit", "Mbit", "Gbit"];

export function bitsText(bits: number): string {
  const power = bits < 1 ? 0 : Math.min(Math.floor(Math.log10(bits) / 3), UNITS.length - 1);
  const value = bits / 1000 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power]}`;
}
