import type { Registry } from "prom-client";
import type { LiveCensus, LiveStatistics } from "../live/index.ts";

/** The part of a live server that is observed. */
export interface ObservedLive {
  readonly statistics: LiveStatistics;
  census(): LiveCensus;
}

/** A registry and the prefix for names in it. */
export interface MetricRegistry {
  readonly registry: Registry;
  readonly prefix: string;
}
