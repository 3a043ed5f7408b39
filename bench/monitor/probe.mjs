/** Functions that run in the page. Each must be complete in itself. */

/** Installed before the page's own scripts. */
export function installProbe() {
  globalThis.firstRowMs = Number.NaN;
  globalThis.keyTimes = [];
  globalThis.layoutShift = 0;
  globalThis.messages = 0;
  const Native = globalThis.WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", () => (globalThis.messages += 1));
    }
  };
  const look = () => {
    if (document.querySelector('[data-test="device-row"]') === null) return;
    globalThis.firstRowMs = performance.now();
    observer.disconnect();
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!entry.hadRecentInput) globalThis.layoutShift += entry.value;
    }
  }).observe({ type: "layout-shift", buffered: true });
  addEventListener(
    "keydown",
    ({ timeStamp }) => {
      // The frame after the input event; its task queue runs when the frame is done.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.addEventListener("message", () => {
          globalThis.keyTimes.push(performance.now() - timeStamp);
        });
        port1.start();
        port2.postMessage(undefined);
      });
    },
    true,
  );
}

export function readProbe() {
  const scripts = performance.getEntriesByType("resource").filter(({ name }) => /\.js$/.test(name));
  return {
    firstRowMs: globalThis.firstRowMs,
    shift: globalThis.layoutShift,
    scriptBytes: scripts.reduce((sum, { transferSize }) => sum + transferSize, 0),
  };
}

/** Scrolls by some rows each frame, and returns the frames per second. */
export function countFrames(seconds) {
  return new Promise((resolve) => {
    const started = performance.now();
    let frames = 0;
    const step = () => {
      const passed = performance.now() - started;
      if (passed >= seconds * 1_000) return resolve(frames / (passed / 1_000));
      frames += 1;
      scrollBy(0, 60);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
}
