import type { StreamConnection } from "./stream-connection.ts";

/** Promises and steps that wait until nothing is buffered. */
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
 * Calls `step` once everything sent so far has been handed to the operating system. If the
 * transport ends before, `step` is never called.
 */
export function afterWritten(
  connection: StreamConnection,
  waiters: DrainWaiters,
  step: () => void,
): void {
  const { transport, bufferedBytes } = connection;
  // A transport that is gone has dropped its unwritten bytes.
  if (transport.isGone && !transport.isFinished) return;
  if (bufferedBytes === 0) return step();
  if (!transport.isWritable) return;
  if (bufferedBytes === transport.unsentBytes) return transport.afterWritten(step);
  // Some bytes have not reached the transport yet: they were sent in this turn, or are being
  // compressed.
  waiters.add(step);
  connection.watchDrain();
}
