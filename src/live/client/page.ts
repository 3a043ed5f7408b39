/**
 * What happens to a page: `"left"`, its code is about to stop running, in the back/forward cache,
 * frozen or for good; `"woke"`, it is back from there, or visible or online again; `"offline"`,
 * its computer has lost the network.
 */
export type PageEvent = "woke" | "left" | "offline";

/** How the client is notified of its page. */
export interface Page {
  /** Returns a function that stops it. */
  listen(listener: (event: PageEvent) => void): () => void;
}

const leaving = ["pagehide", "freeze"];
const eventTypes = ["online", "offline", "visibilitychange", "pageshow", "resume", ...leaving];

/** The page that this code runs in; in a worker or in Node perhaps less of it, or nothing. */
export const browserPage: Page = {
  listen(listener) {
    const onEvent = ({ type, persisted }: Event & { persisted?: boolean }): void => {
      // A page that is shown for the first time has nothing to come back from.
      if (type === "pageshow" && !persisted) return;
      if (leaving.includes(type)) listener("left");
      else if (type === "offline") listener(type);
      else if (type !== "visibilitychange" || !document.hidden) listener("woke");
    };
    const stopping = new AbortController();
    // Captured at the window, because `freeze` and `resume` go to the document and do not bubble.
    const options = { capture: true, signal: stopping.signal };
    for (const type of eventTypes) globalThis.addEventListener?.(type, onEvent, options);
    return () => stopping.abort();
  },
};
