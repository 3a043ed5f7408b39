import type { Clock } from "../base/index.ts";
import { LaneBudget } from "./fan-out/lane-budget.ts";
import { MAX_LANES_BYTES, MAX_PAGES_BYTES } from "./limits.ts";
import { PageCache } from "./fan-out/page-cache.ts";
import { SliceQueue } from "./slices/slice-queue.ts";

/** What is limited for all topics of a server together. */
export interface SharedResources {
  /** Shares the event loop among those with long work. */
  readonly slices: SliceQueue;
  /** Pages that several readers may share. */
  readonly pages: PageCache;
  /** What all lanes keep. */
  readonly lanes: LaneBudget;
}

/** Makes what the topics of a server share. */
export function sharedResources(clock: Clock): SharedResources {
  return {
    slices: new SliceQueue(clock),
    pages: new PageCache(MAX_PAGES_BYTES),
    lanes: new LaneBudget(MAX_LANES_BYTES),
  };
}
