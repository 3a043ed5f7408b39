import type { TimerWheel } from "../../base/index.ts";

/** For how long something is waited for, and what is said then. */
export interface Patience {
  readonly wheel: TimerWheel;
  readonly timeoutMs: number;
  /** Makes the error that who waits gets when the time is over. */
  readonly late: () => Error;
}

/** What `pending` comes to, or a rejection when it takes too long. */
export function inTime<T>(pending: Promise<T>, { wheel, timeoutMs, late }: Patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = wheel.after(timeoutMs, () => reject(late()));
    void pending.then(resolve, reject).finally(() => timer.cancel());
  });
}
