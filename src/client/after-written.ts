import type { StreamConnection } from "../node/index.ts";

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

const NOTHING = new Uint8Array(0);

/**
 * Calls `step` once all that was sent so far has gone to the operating system; never, if the
 * transport ends before.
 */
export function afterWritten(
  connection: StreamConnection,
  waiters: DrainWaiters,
  step: () => void,
): void {
  const { stream } = connection;
  // A stream that was destroyed forgets what it had not written.
  if (stream.destroyed && !stream.writableFinished) return;
  const { bufferedBytes } = connection;
  if (bufferedBytes === 0) return step();
  if (!stream.writable) return;
  if (bufferedBytes > stream.writableLength) {
    // Something is not in the stream yet: it was sent just now, or is being compressed.
    waiters.add(step);
    connection.watchDrain();
    return;
  }
  // A stream writes in order, so that it is done with nothing when it is done with all before.
  stream.write(NOTHING, (error) => {
    if (error === null || error === undefined) step();
  });
}
