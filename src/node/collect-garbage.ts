import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Where more than this is in use, V8 is left to collect in steps: all at once takes too long. */
const MAX_USED_BYTES: number = 96 * 1024 * 1024;
/** A collection is as long ago as this many times what it took before there is another one. */
const PAUSES_APART = 10;
/** V8 begins a collection when this much memory outside of its heap was allocated since the last. */
const NUDGE_BYTES: number = 96 * 1024 * 1024;

let gc: (() => void) | undefined;
let usedBytes = 0;
let notBefore = -Infinity;

/**
 * Has V8 collect garbage: all of it and at once where that takes milliseconds, else in steps, which
 * it takes when it likes to.
 *
 * @returns false where the last one was so recent that nothing was done
 */
export function collectGarbage(): boolean {
  if (usedBytes > MAX_USED_BYTES) return nudge();
  const startedAt = performance.now();
  if (startedAt < notBefore) return false;
  gc ??= exposedGc();
  gc();
  const endedAt = performance.now();
  usedBytes = process.memoryUsage().heapUsed;
  notBefore = endedAt + (endedAt - startedAt) * PAUSES_APART;
  return true;
}

/** Never touched, so it takes addresses and no memory. */
function nudge(): true {
  Buffer.allocUnsafeSlow(NUDGE_BYTES);
  return true;
}

/** V8's own function, which it shows to contexts that are made while the flag is set. */
function exposedGc(): () => void {
  try {
    setFlagsFromString("--expose-gc");
    return runInNewContext("gc") as () => void;
  } catch {
    return nudge;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
