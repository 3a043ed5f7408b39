import { effectScope, shallowRef, watch } from "vue";
import type { ShallowRef } from "vue";
import type { Me } from "../../../../server/actions.ts";
import { isConnected, live } from "../monitor.ts";

/** This page, as the server knows it; undefined until the server has answered. */
export const me: ShallowRef<Me | undefined> = shallowRef();

// Lives as long as the page. Every connection has a name of its own.
effectScope(true).run(() => watch(isConnected, ask, { immediate: true }));

async function ask(isOpen: boolean): Promise<void> {
  if (!isOpen) return;
  // A lost connection is followed by another one, on which the question is repeated.
  const answer = await live.call("me").catch(() => undefined);
  if (answer !== undefined) me.value = answer;
}
