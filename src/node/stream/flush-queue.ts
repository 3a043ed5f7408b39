import { whileManyWrite } from "./joined-chunks.ts";

/** Something whose output waits for the end of this turn. */
export interface Flushable {
  flush(): void;
  /** `flush` threw. */
  onFlushFailed(error: unknown): void;
}

let waiting: Flushable[] = [];
let isExitWatched = false;

/**
 * Flushes `one` at the end of the present turn of the event loop, in one microtask for all that
 * were added in it.
 */
export function flushLater(one: Flushable): void {
  if (waiting.length === 0) queueMicrotask(flushAll);
  // What was sent in the turn that ended the process has not left by then.
  if (!isExitWatched) process.once("exit", flushAll);
  isExitWatched = true;
  waiting.push(one);
}

function flushAll(): void {
  const all = waiting;
  waiting = [];
  whileManyWrite(() => {
    for (const one of all) flushOne(one);
  });
}

/** What one connection fails with must neither end the process nor keep the others from writing. */
function flushOne(one: Flushable): void {
  try {
    one.flush();
  } catch (error) {
    one.onFlushFailed(error);
  }
}
