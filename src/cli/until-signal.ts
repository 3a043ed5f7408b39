/** A second Ctrl-C means "at once", but a launcher such as npm repeats the first within moments. */
const REPEAT_MS = 1_000;

/**
 * Resolves at the first SIGINT or SIGTERM, or when the process that started this one with a channel
 * is gone; a signal that follows later ends the process at once.
 */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const stop = (): void => {
      first ??= performance.now();
      if (performance.now() - first > REPEAT_MS) process.exit(130);
      if (process.connected) process.disconnect();
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    process.once("disconnect", stop);
  });
}
