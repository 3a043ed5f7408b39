import { getCurrentInstance, inject, ssrContextKey } from "vue";

/** Whether this is a component's setup on a server: there nothing is followed, as it never ends. */
export function isRenderedOnServer(): boolean {
  return getCurrentInstance() !== null && inject(ssrContextKey, undefined) !== undefined;
}
