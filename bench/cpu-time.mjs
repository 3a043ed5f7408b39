import { readdirSync, readFileSync } from "node:fs";

/**
 * The CPU time that a process has used, of all its threads, user and system.
 *
 * The scheduler's account of each thread is in nanoseconds; the process's own is in ticks of 10 ms,
 * but knows of threads that have come and gone between two looks. So the first is taken unless it
 * lacks more than the second's grain.
 */
export class CpuTime {
  #pid;
  /** The CPU time of each thread when it was last read; threads that have ended keep theirs. */
  #threads = new Map();
  #ticks = 0;
  #micros = 0;
  #waitedMicros = 0;
  /** For how many microseconds of the last lap the main thread could have run and had no core. */
  waited = 0;

  /** @param {number} pid */
  constructor(pid) {
    this.#pid = pid;
    this.lap();
  }

  /** @returns {number} the microseconds of CPU time since the last call */
  lap() {
    const ticks = ticksOf(this.#pid);
    const micros = this.#threadMicros();
    const coarse = (ticks - this.#ticks) * TICK_MICROS;
    const fine = micros - this.#micros;
    this.#ticks = ticks;
    this.#micros = micros;
    const waited = waitedMicros(this.#pid);
    this.waited = waited - this.#waitedMicros;
    this.#waitedMicros = waited;
    return coarse - fine > 2 * TICK_MICROS + coarse * 0.1 ? coarse : fine;
  }

  #threadMicros() {
    for (const thread of threadsOf(this.#pid)) {
      const nanos = nanosOf(this.#pid, thread);
      if (nanos !== undefined) this.#threads.set(thread, nanos);
    }
    let sum = 0;
    for (const nanos of this.#threads.values()) sum += nanos;
    return sum / 1000;
  }
}

/** `getconf CLK_TCK` is 100 on every Linux that Node runs on. */
const TICK_MICROS = 10_000;

function threadsOf(pid) {
  return readdirSync(`/proc/${pid}/task`);
}

function nanosOf(pid, thread) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
  } catch {
    // It ended between the listing and the look, or the kernel keeps no such account.
    return undefined;
  }
}

/** Zero where the kernel keeps no such account. */
function waitedMicros(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1000;
  } catch {
    return 0;
  }
}

function ticksOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The program's name, in parentheses, may have spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
