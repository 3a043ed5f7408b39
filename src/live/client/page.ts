/**
 * What happens to a page: `"left"`, it goes away, perhaps into the back/forward cache; `"woke"`, it
 * is back from there, or visible or online again.
 */
export type PageEvent = "woke" | "left";

/** How the client hears of its page. */
export interface Page {
  /** Returns a function that stops it. */
  listen(listener: (event: PageEvent) => void): () => void;
}

const eventTypes = ["online", "visibilitychange", "pagehide", "pageshow"];

/** The page that this code runs in; in a worker or in Node perhaps less of it, or nothing. */
export const browserPage: Page = {
  listen(listener) {
    const hear = ({ type }: Event): void => {
      if (type === "pagehide") listener("left");
      else if (type !== "visibilitychange" || !document.hidden) listener("woke");
    };
    // All of them come up to the window.
    const stopping = new AbortController();
    for (const type of eventTypes) globalThis.addEventListener?.(type, hear, stopping);
    return () => stopping.abort();
  },
};
