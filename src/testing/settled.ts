// Taken when the module is loaded: a test that fakes timers fakes only what comes later.
const { setImmediate: immediately, MessageChannel: Channel } = globalThis;

/** Resolves when everything that waits for promises only has come to its end. */
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
