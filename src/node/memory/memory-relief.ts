import { Collector, ownHeap } from "./collect-garbage.ts";

/** How often it is looked whether memory can be given back, in milliseconds. */
const CHECK_MS = 1_000;
/** Less growth than this, or than a quarter of what there was, is not worth a collection. */
const GROWTH_BYTES: number = 48 * 1024 * 1024;
/** After so many collections that brought nothing, what is left is taken to be needed. */
const MAX_TRIES = 6;

/** What is known of the process, and what can be done. */
export interface ProcessMemory {
  /** What it holds of the machine's memory. */
  rssBytes(): number;
  /** Has V8 collect garbage, if not at once then in steps; false where nothing was done. */
  collect(): boolean;
}

/**
 * Gives memory back that is garbage.
 *
 * V8 sizes its heap by what the process has lived through: before its first whole collection it
 * lets hundreds of megabytes of garbage gather, and a process that has become quiet keeps them,
 * since it is an allocation that makes V8 collect. So V8 is asked to collect once at the start, when
 * that costs milliseconds, and whenever the process has grown much, until it brings nothing more.
 */
export class MemoryRelief {
  readonly #memory: ProcessMemory;
  /** What the process needs: the least that it was seen with, or what no collection could free. */
  #neededBytes: number;
  /** How much there was when V8 was first asked in vain. */
  #askedAt: number | undefined;
  #tries = 0;

  constructor(memory: ProcessMemory) {
    this.#memory = memory;
    this.#neededBytes = memory.rssBytes();
    memory.collect();
  }

  /** To be called once a second. */
  check(): void {
    const rssBytes = this.#memory.rssBytes();
    this.#neededBytes = Math.min(this.#neededBytes, rssBytes);
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

  #forget(): void {
    this.#askedAt = undefined;
    this.#tries = 0;
  }
}

function ofProcess(): ProcessMemory {
  const collector = new Collector(ownHeap());
  return { rssBytes: () => process.memoryUsage.rss(), collect: () => collector.collect() };
}

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
  const relief = new MemoryRelief(ofProcess());
  return setInterval(() => relief.check(), CHECK_MS).unref();
}
