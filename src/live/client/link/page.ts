/**
 * Events of a page: `"left"`, its code is about to be suspended (back/forward cache, frozen) or
 * unloaded; `"woke"`, it runs again, or is visible or online again; `"offline"`, its computer has
 * lost the network.
 */
export type PageEvent = "woke" | "left" | "offline";

/** Notifies the client of page events. */
export interface Page {
  /** Returns a function that stops it. */
  listen(listener: (event: PageEvent) => void): () => void;
}

const leaving = ["pagehide", "freeze"];
const eventTypes = ["online", "offline", "visibilitychange", "pageshow", "resume", ...leaving];

/** The page that this code runs in; workers and Node emit only some of the events, or none. */
export const browserPage: Page = {
  listen(listener) {
    const onEvent = ({ type, persisted }: Event & { persisted?: boolean }): void => {
      // The first `pageshow` of a page is not a return from the cache.
      if (type === "pageshow" && !persisted) return;
      if (leaving.includes(type)) listener("left");
      else if (type === "offline") listener(type);
      else if (type !== "visibilitychange" || !document.hidden) listener("woke");
    };
    const stopping = new AbortController();
    // Captured at the window, because `freeze` and `resume` are fired at the document and do not
    // bubble.
    const options = { capture: true, signal: stopping.signal };
    for (const type of eventTypes) globalThis.addEventListener?.(type, onEvent, options);
    return () => stopping.abort();
  },
};
