import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** With more than this in use, V8 collects in steps, because a full collection takes too long. */
const MAX_USED_BYTES: number = 96 * 1024 * 1024;
/** The same limit for a heap whose share of garbage is unknown. */
const MAX_HEAP_BYTES: number = 512 * 1024 * 1024;
/** The next collection waits for this multiple of the duration of the last one. */
const PAUSES_APART = 10;
/**
 * V8 starts to collect when this much memory outside of its heap was allocated since the last time.
 */
const NUDGE_BYTES: number = 96 * 1024 * 1024;

/** V8's heap, with the operations that are needed. */
export interface Heap {
  now(): number;
  /** Including garbage. */
  usedBytes(): number;
  /** Collects all garbage synchronously. */
  collect(): void;
  /** Makes V8 start to collect in steps. */
  nudge(): void;
}

/**
 * Makes V8 collect garbage: with a full collection if that takes only milliseconds, otherwise in
 * steps, which V8 schedules itself.
 */
export class Collector {
  readonly #heap: Heap;
  /** The memory in use after the last collection. */
  #usedBytes = 0;
  #notBefore: number = -Infinity;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** @returns false if nothing was done, because the last collection was too recent */
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

/** The memory is never touched, so this takes only address space. */
function nudge(): void {
  Buffer.allocUnsafeSlow(NUDGE_BYTES);
}

/**
 * Returns V8's own function, which V8 exposes to contexts that are created while the flag is set.
 */
function exposedGc(): () => void {
  // If the user has set the flag, it stays set.
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
