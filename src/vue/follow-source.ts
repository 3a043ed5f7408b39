import { onScopeDispose, watch } from "vue";
import type { Source } from "../bindings/index.ts";

/**
 * Follows the source of the feed that `find` returns, and of each other feed that it returns later,
 * until the component or effect scope ends.
 *
 * @param sourceOf gets the last view of the feed that the new one replaces
 * @param show called at once, and after each change
 */
export function followSource<Followed, View>(
  find: () => Followed,
  sourceOf: (feed: Followed, previous: View | undefined) => Source<View>,
  show: (view: View) => void,
): void {
  let current: Source<View> | undefined;
  let stop = (): void => {};
  // Compared by content: equal name and params return the same feed.
  watch(
    find,
    (feed) => {
      const source = sourceOf(feed, current?.view());
      // First, because two subscriptions to one name would need two connections.
      stop();
      current = source;
      stop = source.follow(() => show(source.view()));
      show(source.view());
    },
    { immediate: true },
  );
  onScopeDispose(() => stop());
}
