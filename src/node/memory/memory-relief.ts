import { Collector, ownHeap } from "./collect-garbage.ts";

/** How often to check whether memory can be returned, in milliseconds. */
const CHECK_MS = 1_000;
/** Growth below this, or below a quarter of the needed memory, does not justify a collection. */
const GROWTH_BYTES: number = 48 * 1024 * 1024;
/** A second with more processor time than this is busy, in milliseconds. */
const BUSY_MS = 250;
/**
 * How many quiet seconds after a busy one to try again. The second time, V8 also shrinks its young
 * generation, which it does not while it remembers allocations of the last five seconds.
 */
const QUIET_CHECKS: readonly number[] = [2, 12];
/** After this many collections without success, the remaining memory is considered needed. */
const MAX_TRIES = 6;

/** The memory of the process, with the operations that are needed. */
export interface ProcessMemory {
  /** The resident memory, in bytes. */
  rssBytes(): number;
  /** The processor time that the process has used, in milliseconds. */
  cpuMs(): number;
  /** Makes V8 collect garbage, possibly in steps; returns false if nothing was done. */
  collect(): boolean;
}

/**
 * Returns memory to the system that is garbage.
 *
 * V8 sizes its heap by the history of the process. Before its first full collection it lets
 * hundreds of megabytes of garbage accumulate. A process that has become quiet keeps them, because
 * only allocations make V8 collect. So this class requests one collection at the start, when it
 * costs milliseconds, and again whenever the process has grown much, until collections do not free
 * anything more. Memory in use under load is often garbage when the load is over, so it then tries
 * again.
 */
export class MemoryRelief {
  readonly #memory: ProcessMemory;
  /**
   * The memory that the process needs: the minimum observed, or what collections could not free.
   */
  #neededBytes: number;
  /** The memory when the current series of collections started. */
  #askedAt: number | undefined;
  #tries = 0;
  /** The minimum observed. */
  #leastBytes: number;
  #cpuMs: number;
  /** The quiet seconds since the last busy one. */
  #quietChecks: number = Infinity;

  constructor(memory: ProcessMemory) {
    this.#memory = memory;
    this.#neededBytes = memory.rssBytes();
    this.#leastBytes = this.#neededBytes;
    this.#cpuMs = memory.cpuMs();
    memory.collect();
  }

  /** Must be called once a second. */
  check(): void {
    const rssBytes = this.#memory.rssBytes();
    this.#leastBytes = Math.min(this.#leastBytes, rssBytes);
    this.#neededBytes = Math.min(this.#neededBytes, rssBytes);
    if (this.#hasBecomeQuiet()) {
      this.#neededBytes = this.#leastBytes;
      this.#forget();
    }
    const worthBytes = Math.max(GROWTH_BYTES, this.#neededBytes / 4);
    const hasShrunk = this.#askedAt !== undefined && rssBytes < this.#askedAt - worthBytes / 4;
    if (hasShrunk) this.#forget();
    if (rssBytes - this.#neededBytes < worthBytes) return this.#forget();
    if (this.#tries === MAX_TRIES) {
      this.#neededBytes = rssBytes;
      return this.#forget();
    }
    this.#askedAt ??= rssBytes;
    if (this.#memory.collect()) this.#tries += 1;
  }

  #hasBecomeQuiet(): boolean {
    const before = this.#cpuMs;
    this.#cpuMs = this.#memory.cpuMs();
    const isBusy = this.#cpuMs - before > BUSY_MS;
    this.#quietChecks = isBusy ? 0 : this.#quietChecks + 1;
    return QUIET_CHECKS.includes(this.#quietChecks);
  }

  #forget(): void {
    this.#askedAt = undefined;
    this.#tries = 0;
  }
}

function ofProcess(): ProcessMemory {
  const collector = new Collector(ownHeap());
  return {
    rssBytes: () => process.memoryUsage.rss(),
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    },
    collect: () => collector.collect(),
  };
}

let watchers = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Watches the memory of this process while at least one caller wants it. Returns a function that
 * stops it.
 */
export function relieveMemory(): () => void {
  watchers += 1;
  timer ??= watch();
  let isWatching = true;
  return () => {
    if (!isWatching) return;
    isWatching = false;
    watchers -= 1;
    if (watchers > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function watch(): NodeJS.Timeout {
  const relief = new MemoryRelief(ofProcess());
  return setInterval(() => relief.check(), CHECK_MS).unref();
}
