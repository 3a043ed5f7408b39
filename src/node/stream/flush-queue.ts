import { whileManyWrite } from "./joined-chunks.ts";

/** An object whose output is written at the end of the turn. */
export interface Flushable {
  flush(): void;
  /** Called when `flush` threw. */
  onFlushFailed(error: unknown): void;
}

let waiting: Flushable[] = [];
let isExitWatched = false;

/**
 * Flushes `one` at the end of the current turn of the event loop, in one microtask for all objects
 * that were added in it.
 */
export function flushLater(one: Flushable): void {
  if (waiting.length === 0) queueMicrotask(flushAll);
  // Output of the turn that ends the process would otherwise be lost.
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

/** An error of one connection must not end the process or keep the others from writing. */
function flushOne(one: Flushable): void {
  try {
    one.flush();
  } catch (error) {
    one.onFlushFailed(error);
  }
}
