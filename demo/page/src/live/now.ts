import { computed, ref } from "vue";
import type { ComputedRef, Ref } from "vue";
import { measureClock } from "./server-clock.ts";

/**
 * This browser's clock, updated once a second, for everything on the page that shows a duration.
 */
export const nowMs: Ref<number> = ref(Date.now());

const offsetMs = ref(0);
/** The current time by the server's clock, to compare with its times. */
export const serverNowMs: ComputedRef<number> = computed(() => nowMs.value + offsetMs.value);

/** Converts a time of the server's clock to this browser's clock. */
export function localMsOf(serverMs: number): number {
  return serverMs - offsetMs.value;
}

export function startClock(): void {
  setInterval(() => (nowMs.value = Date.now()), 1_000);
  void measureClock("/demo/time", 3).then((clock) => (offsetMs.value = clock?.offsetMs ?? 0));
}

/** The whole seconds that a countdown shows. */
export function secondsUntil(atMs: number, now: number): number {
  return Math.max(0, Math.ceil((atMs - now) / 1_000));
}
