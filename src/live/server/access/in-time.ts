import type { TimerWheel } from "../../../base/index.ts";

/** For how long something is waited for, and what is said then. */
export interface TimeLimit {
  readonly wheel: TimerWheel;
  readonly timeoutMs: number;
  /** Makes the error that who waits gets when the time is over. */
  readonly late: () => Error;
  /** Takes what `pending` rejects with after that, which nobody waits for any more. */
  readonly onTooLate: (error: unknown) => void;
}

/** What `pending` comes to, or a rejection when it takes too long. */
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
