import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { GUARD_MIB } from "./goal.ts";

/** V8's limit; beside it there are buffers, so that the guard is above it. */
const HEAP_MIB = 3_000;
const LOOK_MS = 100;
const START_MS = 20_000;
/** A loop that runs reports at least so often. */
const REPORTED_WITHIN_MS = 2_000;

/** How late an event loop was in a second. */
export interface Lateness {
  lateMs: number;
  /** How much of that time its thread was ready to run, and another had the core. */
  waitedMs: number;
}

/** A server in a process of its own, and what can be seen of it from outside. */
export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #errors: () => string;
  readonly #guard: NodeJS.Timeout;
  #worst: Lateness = { lateMs: 0, waitedMs: 0 };
  #reportedAt = performance.now();
  #highestMiB = 0;
  #endedAt: number | undefined;
  /** Why it has ended, if it has. */
  ending: string | undefined;

  private constructor(child: ChildProcess, port: number, errors: () => string) {
    this.#child = child;
    this.port = port;
    this.#errors = errors;
    child.once("exit", (code, signal) => this.#onExit(code, signal));
    createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
      this.#reportedAt = performance.now();
      this.#takeLateness(JSON.parse(line) as Lateness);
    });
    this.#guard = setInterval(() => this.#look(), LOOK_MS);
  }

  /** @param command what `node` runs; it prints a URL with its port */
  static async start(command: readonly string[]): Promise<ServerProcess> {
    const probe = new URL("lateness-probe.mjs", `file://${process.cwd()}/tests/abuse/`).href;
    const options = [`--max-old-space-size=${HEAP_MIB}`, "--import", probe];
    const child = spawn(process.execPath, [...options, ...command], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-20_000);
    });
    const port = await new Promise<number>((resolve, reject) => {
      const fail = (): void => reject(new Error(`The server has ended:\n${output}${errors}`));
      child.once("exit", fail);
      setTimeout(fail, START_MS).unref();
      child.stdout!.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-20_000);
        const found = /:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    });
    return new ServerProcess(child, port, () => errors);
  }

  /** The resident memory, in MiB; 0 if the process has ended. */
  get residentMiB(): number {
    return this.#status("VmRSS");
  }

  /** The most since `reset`, in MiB; the kernel knows also of what was between two looks. */
  get highestMiB(): number {
    return Math.max(this.#highestMiB, this.#status("VmHWM"));
  }

  /** The worst since `reset`; of a loop that does not report, at least since when it does not. */
  get lateness(): Lateness {
    const silentMs = (this.#endedAt ?? performance.now()) - this.#reportedAt - REPORTED_WITHIN_MS;
    return silentMs < this.#worst.lateMs ? this.#worst : { lateMs: silentMs, waitedMs: 0 };
  }

  /** Starts the measurement again. */
  reset(): void {
    this.#worst = { lateMs: 0, waitedMs: 0 };
    this.#highestMiB = 0;
    // Resets VmHWM (proc(5), clear_refs).
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, "5");
  }

  /** SIGKILL, and it is gone when this resolves. */
  async kill(): Promise<void> {
    if (this.ending !== undefined) return;
    this.ending = "the row is over";
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  #look(): void {
    const residentMiB = this.residentMiB;
    this.#highestMiB = Math.max(this.#highestMiB, residentMiB);
    if (residentMiB < GUARD_MIB || this.ending !== undefined) return;
    this.ending = `killed by the harness at ${GUARD_MIB / 1_000} GB`;
    this.#child.kill("SIGKILL");
  }

  #takeLateness(lateness: Lateness): void {
    if (ownLateMs(lateness) > ownLateMs(this.#worst)) this.#worst = lateness;
  }

  #onExit(code: number | null, signal: string | null): void {
    clearInterval(this.#guard);
    this.#endedAt = performance.now();
    if (this.ending !== undefined) return;
    const why = /FATAL ERROR: .*|\w*Error: .*/.exec(this.#errors())?.[0] ?? "";
    this.ending = `ended by itself (${signal ?? code}) ${why}`.trim();
  }

  #status(field: string): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
      return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024;
    } catch {
      return 0;
    }
  }
}

/** Lateness that is not for want of a core. */
export function ownLateMs({ lateMs, waitedMs }: Lateness): number {
  return Math.max(0, lateMs - waitedMs);
}
