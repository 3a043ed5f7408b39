import { computed, ref } from "vue";
import type { ComputedRef, Ref } from "vue";
import { measureClock } from "./server-clock.ts";

/** This browser's clock, once a second, for everything on the page that counts time. */
export const nowMs: Ref<number> = ref(Date.now());

const offsetMs = ref(0);
/** The present as the server's clock has it, to compare with its times. */
export const serverNowMs: ComputedRef<number> = computed(() => nowMs.value + offsetMs.value);

/** A time by the server's clock, as this browser's clock would have shown it. */
export function localMsOf(serverMs: number): number {
  return serverMs - offsetMs.value;
}

export function startClock(): void {
  setInterval(() => (nowMs.value = Date.now()), 1_000);
  void measureClock("/demo/time", 3).then((clock) => (offsetMs.value = clock?.offsetMs ?? 0));
}

/** Whole seconds that a countdown shows. */
export function secondsUntil(atMs: number, now: number): number {
  return Math.max(0, Math.ceil((atMs - now) / 1_000));
}
