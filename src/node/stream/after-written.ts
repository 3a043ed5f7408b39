import type { StreamConnection } from "./stream-connection.ts";

/** Who waits for nothing to be buffered any more. */
export class DrainWaiters {
  #steps: (() => void)[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  drained(): void {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) step();
  }
}

/**
 * Calls `step` once all that was sent so far has gone to the operating system; never, if the
 * transport ends before.
 */
export function afterWritten(
  connection: StreamConnection,
  waiters: DrainWaiters,
  step: () => void,
): void {
  const { transport, bufferedBytes } = connection;
  // One that is gone forgets what it had not written.
  if (transport.isGone && !transport.isFinished) return;
  if (bufferedBytes === 0) return step();
  if (!transport.isWritable) return;
  if (bufferedBytes === transport.unsentBytes) return transport.afterWritten(step);
  // Something is not there yet: it was sent just now, or is being compressed.
  waiters.add(step);
  connection.watchDrain();
}
