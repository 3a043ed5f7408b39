/** How often it is looked whether memory can be given back, in milliseconds. */
const CHECK_MS = 5_000;
/** A process that uses less than this part of a core is quiet. */
const QUIET_PART = 0.25;
/** Less than this, or than an eighth of what there was, is not worth a collection. */
const GROWTH_BYTES: number = 32 * 1024 * 1024;
/** V8 begins a collection when this much memory outside of its heap was allocated since the last. */
const NUDGE_BYTES: number = 96 * 1024 * 1024;

/** What is known of the process, and what can be done. */
export interface ProcessMemory {
  /** What it holds of the machine's memory. */
  rssBytes(): number;
  /** How much processor time it has used. */
  cpuMs(): number;
  /** Has V8 begin to collect garbage, in steps. */
  collect(): void;
}

/**
 * Gives memory back that a burst has left as garbage.
 *
 * V8 collects when something is allocated: a server that has become quiet keeps hundreds of
 * megabytes of garbage for as long as it stays quiet. So once it is, V8 is asked to collect, until
 * that brings nothing more.
 */
export class MemoryRelief {
  readonly #memory: ProcessMemory;
  #leastBytes: number;
  #cpuMs: number;
  /** How much there was when V8 was asked to collect; `undefined` when it was not. */
  #askedAt: number | undefined;

  constructor(memory: ProcessMemory) {
    this.#memory = memory;
    this.#leastBytes = memory.rssBytes();
    this.#cpuMs = memory.cpuMs();
  }

  /** @param elapsedMs since this was called last */
  check(elapsedMs: number): void {
    const rssBytes = this.#memory.rssBytes();
    const usedMs = this.#memory.cpuMs() - this.#cpuMs;
    this.#cpuMs += usedMs;
    this.#leastBytes = Math.min(this.#leastBytes, rssBytes);
    if (usedMs > elapsedMs * QUIET_PART) return;
    const worthBytes = Math.max(GROWTH_BYTES, this.#leastBytes / 8);
    const isInVain = this.#askedAt !== undefined && rssBytes > this.#askedAt - worthBytes / 4;
    // What is left is needed: only what comes on top of it counts from now on.
    if (isInVain) this.#leastBytes = rssBytes;
    this.#askedAt = undefined;
    if (rssBytes - this.#leastBytes < worthBytes) return;
    this.#askedAt = rssBytes;
    this.#memory.collect();
  }
}

const ofProcess: ProcessMemory = {
  rssBytes: () => process.memoryUsage.rss(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  // Never touched, so it takes addresses and no memory.
  collect: () => void Buffer.allocUnsafeSlow(NUDGE_BYTES),
};

let watchers = 0;
let timer: NodeJS.Timeout | undefined;

/** Watches the memory of this process as long as somebody wants it. Returns how to stop. */
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
  const relief = new MemoryRelief(ofProcess);
  return setInterval(() => relief.check(CHECK_MS), CHECK_MS).unref();
}
