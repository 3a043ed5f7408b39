import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { Source } from "../bindings/index.ts";

/**
 * Shows the source of a feed, and rerenders when its view changes.
 *
 * @param feed the same object as long as name and params are equal
 * @param sourceOf gets the last view that was shown, which may be of another feed
 * @param empty the view during server rendering and hydration, always the same object
 */
export function useSource<View>(
  feed: object,
  sourceOf: (previous: View | undefined) => Source<View>,
  empty: View,
): View {
  const previous = useRef<View>(undefined);
  // Created while rendering, when the feed that it replaces still has its entries.
  const source = useMemo(() => sourceOf(previous.current), [feed]);
  const view = useSyncExternalStore(source.follow, source.view, () => empty);
  useEffect(() => void (previous.current = view), [view]);
  return view;
}
