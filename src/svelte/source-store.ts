import { readable } from "svelte/store";
import type { Source } from "../bindings/index.ts";
import type { Readable } from "./readable.ts";

/**
 * Returns a store that follows the source of the feed in `found`, and of each later feed, while it
 * has subscribers. All of them see the same view.
 *
 * A server that renders a page subscribes and unsubscribes in one turn. The feed is followed only
 * after that turn, so a server follows none.
 *
 * @param sourceOf gets the last view of the feed that the new one replaces
 */
export function sourceStore<Followed, View>(
  found: Readable<Followed>,
  sourceOf: (feed: Followed, previous: View | undefined) => Source<View>,
  empty: View,
): Readable<View> {
  return readable(empty, (set) => {
    let followed: Followed | undefined;
    let source: Source<View> | undefined;
    let isStarted = false;
    let stop = (): void => {};
    const follow = (): void => {
      const current = source!;
      if (isStarted) stop = current.follow(() => set(current.view()));
      set(current.view());
    };
    const stopFinding = found.subscribe((feed) => {
      if (feed === followed) return;
      followed = feed;
      const next = sourceOf(feed, source?.view());
      // First, because two subscriptions to one name would need two connections.
      stop();
      source = next;
      follow();
    });
    let isOver = false;
    queueMicrotask(() => {
      if (isOver) return;
      isStarted = true;
      follow();
    });
    return () => {
      isOver = true;
      stopFinding();
      stop();
    };
  });
}
