/**
 * A later second Ctrl-C forces the exit, but a launcher such as npm repeats the first one within
 * moments.
 */
const REPEAT_MS = 1_000;

/**
 * Resolves at the first SIGINT or SIGTERM, or when the parent process that has a channel to this
 * one exits. A later signal ends the process immediately.
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
