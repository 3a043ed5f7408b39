import { readFileSync } from "node:fs";
import * as os from "node:os";

/** A machine's report, as stored in the topic `devices`. */
export interface MachineReport {
  name: string;
  deviceType: "machine";
  /** When it was measured, in ms since the Unix epoch. */
  at: number;
  hostname: string;
  platform: string;
  release: string;
  arch: string;
  /** Seconds since the machine started. */
  uptime: number;
  cpu: { percent: number; cores: number; load: [number, number, number] };
  /** In bytes. */
  memory: { total: number; used: number };
  interfaces: InterfaceReport[];
}

export interface InterfaceReport extends InterfaceCounters {
  rxBytesPerSecond: number;
  txBytesPerSecond: number;
  rxPacketsPerSecond: number;
  txPacketsPerSecond: number;
}

/** Counters since the machine started. */
export interface InterfaceCounters {
  name: string;
  rxBytes: number;
  rxPackets: number;
  txBytes: number;
  txPackets: number;
}

/** A reading of the counters; rates are differences of two samples. */
interface Sample {
  at: number;
  busyMs: number;
  totalMs: number;
  interfaces: InterfaceCounters[];
}

/** Measures the machine that it runs on. */
export class MachineMeter {
  readonly #name: string;
  #last: Sample = takeSample();

  constructor(name: string) {
    this.#name = name;
  }

  /** Measures; rates are averages since the last call. */
  report(): MachineReport {
    const last = this.#last;
    const sample = takeSample();
    this.#last = sample;
    const total = os.totalmem();
    return {
      name: this.#name,
      deviceType: "machine",
      at: Date.now(),
      hostname: os.hostname(),
      platform: os.platform(),
      release: os.release(),
      arch: os.arch(),
      uptime: Math.round(os.uptime()),
      cpu: {
        percent: percentBetween(last, sample),
        cores: os.cpus().length,
        load: os.loadavg().map((load) => round(load, 2)) as [number, number, number],
      },
      memory: { total, used: total - availableMemory() },
      interfaces: sample.interfaces.map((now) => withRates(now, last, sample.at - last.at)),
    };
  }
}

function takeSample(): Sample {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of os.cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    totalMs += all;
    busyMs += all - times.idle;
  }
  return { at: performance.now(), busyMs, totalMs, interfaces: readInterfaces() };
}

function percentBetween(before: Sample, after: Sample): number {
  const total = after.totalMs - before.totalMs;
  if (total <= 0) return 0;
  return round((100 * (after.busyMs - before.busyMs)) / total, 1);
}

/** Memory available to programs. On Linux, `os.freemem` counts the page cache as used. */
function availableMemory(): number {
  const line = readLines("/proc/meminfo").find((text) => text.startsWith("MemAvailable:"));
  const kib = Number(line?.split(/\s+/)[1]);
  return Number.isFinite(kib) ? kib * 1024 : os.freemem();
}

/** Reads `/proc/net/dev`; without that file, no interfaces are reported. */
function readInterfaces(): InterfaceCounters[] {
  return readLines("/proc/net/dev").flatMap(parseInterface);
}

/** Parses a line of `/proc/net/dev`: the name, eight receive counters, eight transmit counters. */
export function parseInterface(line: string): InterfaceCounters[] {
  const colon = line.indexOf(":");
  if (colon === -1) return [];
  const counters = line
    .slice(colon + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  const [rxBytes, rxPackets] = counters;
  const [txBytes, txPackets] = counters.slice(8);
  const name = line.slice(0, colon).trim();
  if (rxBytes === undefined || rxPackets === undefined) return [];
  if (txBytes === undefined || txPackets === undefined) return [];
  return [{ name, rxBytes, rxPackets, txBytes, txPackets }];
}

function withRates(now: InterfaceCounters, last: Sample, elapsedMs: number): InterfaceReport {
  const before = last.interfaces.find(({ name }) => name === now.name) ?? now;
  const rate = (counter: "rxBytes" | "txBytes" | "rxPackets" | "txPackets"): number =>
    // A counter that decreased was reset with its interface.
    elapsedMs <= 0
      ? 0
      : Math.round((Math.max(0, now[counter] - before[counter]) * 1000) / elapsedMs);
  return {
    ...now,
    rxBytesPerSecond: rate("rxBytes"),
    txBytesPerSecond: rate("txBytes"),
    rxPacketsPerSecond: rate("rxPackets"),
    txPacketsPerSecond: rate("txPackets"),
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
