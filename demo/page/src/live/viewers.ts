import { onScopeDispose, shallowRef } from "vue";
import type { ShallowRef } from "vue";
import { viewersTopic } from "./viewers-topic.ts";
import { live } from "./monitor.ts";

/**
 * Counts the people who are looking at a device, and counts this page among them while the component
 * or effect scope that uses it exists.
 */
export function useViewers(device: string): Readonly<ShallowRef<number>> {
  const name = viewersTopic(device);
  const count = shallowRef(0);
  const viewers = live.presence(name);
  // There are no events: to be subscribed is to be present.
  const leave = live.topic(name).subscribe(
    () => {},
    () => {},
  );
  const stop = viewers.onChange(() => (count.value = viewers.entries.size));
  onScopeDispose(() => {
    stop();
    leave();
  });
  return count;
}
