import type { Clock } from "../base/index.ts";
import { LaneBudget } from "./fan-out/lane-budget.ts";
import { MAX_LANES_BYTES, MAX_PAGES_BYTES } from "./limits.ts";
import { PageCache } from "./fan-out/page-cache.ts";
import { SliceQueue } from "./slices/slice-queue.ts";

/** Resources that all topics of a server share. */
export interface SharedResources {
  /** Shares the event loop fairly among payers with long work. */
  readonly slices: SliceQueue;
  /** Pages that several readers share. */
  readonly pages: PageCache;
  /** The memory budget of all lanes. */
  readonly lanes: LaneBudget;
}

/** Creates the resources that the topics of a server share. */
export function sharedResources(clock: Clock): SharedResources {
  return {
    slices: new SliceQueue(clock),
    pages: new PageCache(MAX_PAGES_BYTES),
    lanes: new LaneBudget(MAX_LANES_BYTES),
  };
}
