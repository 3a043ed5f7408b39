import type { TimerWheel } from "../../../base/index.ts";

/** A timeout and its error. */
export interface TimeLimit {
  readonly wheel: TimerWheel;
  readonly timeoutMs: number;
  /** Creates the error that the caller receives on timeout. */
  readonly late: () => Error;
  /** Receives a later rejection of `pending`, which nobody awaits any more. */
  readonly onTooLate: (error: unknown) => void;
}

/** Resolves as `pending` does, or rejects when the time is over. */
export function inTime<T>(pending: Promise<T>, limit: TimeLimit): Promise<T> {
  const { wheel, timeoutMs, late, onTooLate } = limit;
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = wheel.after(timeoutMs, () => {
      isLate = true;
      reject(late());
    });
    void pending
      .then(resolve, (error: unknown) => (isLate ? onTooLate(error) : reject(error)))
      .finally(() => timer.cancel());
  });
}
