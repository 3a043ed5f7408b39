import type { Clock, Timer } from "../base/index.ts";

/** The shortest delay and interval in milliseconds, as in Node. */
const SHORTEST_MS = 1;

type Callback<Args extends unknown[]> = (...args: Args) => unknown;

/**
 * `setTimeout` and its relatives on a virtual clock, for the application's own timers.
 *
 * They may be called without their object, and can replace the global functions.
 */
export interface AppTimers {
  /**
   * Calls `callback` once.
   *
   * @param delayMs in milliseconds; default and minimum 1, as in Node
   * @param args passed to `callback`
   * @returns a number for `clearTimeout`
   */
  readonly setTimeout: <Args extends unknown[]>(
    callback: Callback<Args>,
    delayMs?: number,
    ...args: Args
  ) => number;
  /** Cancels a timeout or an interval; an unknown or expired one is ignored. */
  readonly clearTimeout: (id: number | undefined) => void;
  /** Calls `callback` every `delayMs` milliseconds, like `setTimeout`. */
  readonly setInterval: <Args extends unknown[]>(
    callback: Callback<Args>,
    delayMs?: number,
    ...args: Args
  ) => number;
  /** The same as `clearTimeout`. */
  readonly clearInterval: (id: number | undefined) => void;
}

/** Returns timers that fire when `clock` advances. */
export function timersOn(clock: Clock): AppTimers {
  const pending = new Map<number, Timer>();
  let ids = 0;

  const start = (
    delayMs: number | undefined,
    repeats: boolean,
    callback: () => unknown,
  ): number => {
    const delay = delayMs !== undefined && delayMs > SHORTEST_MS ? delayMs : SHORTEST_MS;
    const id = (ids += 1);
    const expire = (): void => {
      // First, so that the callback may clear the interval, and an error does not end it.
      if (repeats) pending.set(id, clock.after(delay, expire));
      else pending.delete(id);
      callback();
    };
    pending.set(id, clock.after(delay, expire));
    return id;
  };
  const clear = (id: number | undefined): void => {
    if (id === undefined) return;
    pending.get(id)?.cancel();
    pending.delete(id);
  };
  return {
    setTimeout: (callback, delayMs, ...args) => start(delayMs, false, () => callback(...args)),
    setInterval: (callback, delayMs, ...args) => start(delayMs, true, () => callback(...args)),
    clearTimeout: clear,
    clearInterval: clear,
  };
}
