import { getCurrentInstance, inject, ssrContextKey } from "vue";

/**
 * Whether this setup runs during server rendering. Nothing is subscribed there, because the
 * component is never unmounted.
 */
export function isRenderedOnServer(): boolean {
  return getCurrentInstance() !== null && inject(ssrContextKey, undefined) !== undefined;
}
