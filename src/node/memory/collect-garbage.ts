import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** With more than this in use, V8 is left to collect in steps: all at once takes too long. */
const MAX_USED_BYTES: number = 96 * 1024 * 1024;
/** The same for a heap of which nobody knows how much is in use. */
const MAX_HEAP_BYTES: number = 512 * 1024 * 1024;
/** The next collection waits for so many times what the last one took. */
const PAUSES_APART = 10;
/** V8 begins to collect when this much memory outside of its heap was allocated since the last time. */
const NUDGE_BYTES: number = 96 * 1024 * 1024;

/** What is known of V8's heap, and what can be done. */
export interface Heap {
  now(): number;
  /** With what is garbage. */
  usedBytes(): number;
  /** Collects all garbage at once. */
  collect(): void;
  /** Has V8 begin to collect in steps. */
  nudge(): void;
}

/**
 * Has V8 collect garbage: all of it and at once where that takes milliseconds, else in steps, which
 * V8 takes when it likes to.
 */
export class Collector {
  readonly #heap: Heap;
  /** What was in use after the last collection. */
  #usedBytes = 0;
  #notBefore: number = -Infinity;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** @returns false where the last collection was so recent that nothing was done */
  collect(): boolean {
    const heap = this.#heap;
    if (this.#usedBytes > MAX_USED_BYTES || heap.usedBytes() > MAX_HEAP_BYTES) {
      heap.nudge();
      return true;
    }
    const startedAt = heap.now();
    if (startedAt < this.#notBefore) return false;
    heap.collect();
    const endedAt = heap.now();
    this.#usedBytes = heap.usedBytes();
    this.#notBefore = endedAt + (endedAt - startedAt) * PAUSES_APART;
    return true;
  }
}

/** V8's heap in this process. */
export function ownHeap(): Heap {
  let collect: (() => void) | undefined;
  return {
    now: () => performance.now(),
    usedBytes: () => process.memoryUsage().heapUsed,
    collect: () => (collect ??= exposedGc())(),
    nudge,
  };
}

/** Never touched, so it takes addresses and no memory. */
function nudge(): void {
  Buffer.allocUnsafeSlow(NUDGE_BYTES);
}

/** V8's own function, which it shows to contexts that are made while the flag is set. */
function exposedGc(): () => void {
  // Set by the user, the flag stays as it is.
  const { gc } = globalThis;
  if (gc !== undefined) return () => gc();
  try {
    setFlagsFromString("--expose-gc");
    return runInNewContext("gc") as () => void;
  } catch {
    return nudge;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
