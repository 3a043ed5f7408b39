// Captured when the module is loaded, so that tests which fake timers later do not affect it.
const { setImmediate: immediately, MessageChannel: Channel } = globalThis;

/** Resolves when all pending promise callbacks have run. */
export function settled(): Promise<void> {
  if (immediately !== undefined) return new Promise((resolve) => void immediately(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new Channel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
