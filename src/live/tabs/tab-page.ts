import type { Page, PageEvent } from "../client/index.ts";

/** Which events mean that a tab's code is suspended, and which that it runs again. */
const meanings: Readonly<Record<string, PageEvent>> = {
  pagehide: "left",
  freeze: "left",
  pageshow: "woke",
  resume: "woke",
};

/**
 * The page of this tab, as far as it affects whether the tab can serve others: a page in the
 * back/forward cache or a frozen tab answers nobody.
 */
export const tabPage: Page = {
  listen(listener) {
    const stopping = new AbortController();
    const onEvent = ({ type }: Event): void => listener(meanings[type]!);
    // Captured at the window, because `freeze` and `resume` are fired at the document and do not
    // bubble.
    const options = { capture: true, signal: stopping.signal };
    for (const type of Object.keys(meanings)) {
      globalThis.addEventListener?.(type, onEvent, options);
    }
    return () => stopping.abort();
  },
};
