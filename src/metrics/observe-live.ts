import type { Registry } from "prom-client";
import type { LiveCensus, LiveStatistics } from "../live/index.ts";
import { registerCounters } from "./counters.ts";
import { registerGauges } from "./gauges.ts";
import { feedHistograms } from "./histograms.ts";

/** What is asked of a live server. */
export interface ObservedLive {
  readonly statistics: LiveStatistics;
  census(): LiveCensus;
}

export interface ObserveOptions {
  /** Where the metrics are registered; `prom-client` has a default one, `register`. */
  registry: Registry;
  /** What their names begin with. Default `longwire_live_`. */
  prefix?: string;
}

/** Where metrics are put, and under which names. */
export interface MetricRegistry {
  readonly registry: Registry;
  readonly prefix: string;
}

/**
 * Registers a live server's metrics with `prom-client`, for Prometheus to scrape.
 *
 * Counters and gauges are read when they are scraped, and cost nothing in between; histograms are
 * fed by the diagnostics channels of all live servers of this process.
 *
 * @returns a function that takes them out of the registry again
 * @throws what `prom-client` does for a name that is registered already
 */
export function observeLive(live: ObservedLive, options: ObserveOptions): () => void {
  const metrics = { registry: options.registry, prefix: options.prefix ?? "longwire_live_" };
  const stopFeeding = feedHistograms(metrics);
  const before = new Set(metrics.registry.getMetricsAsArray().map(({ name }) => name));
  registerGauges(live, metrics);
  registerCounters(live, metrics);
  return () => {
    stopFeeding();
    for (const { name } of metrics.registry.getMetricsAsArray()) {
      if (name.startsWith(metrics.prefix) && !before.has(name)) {
        metrics.registry.removeSingleMetric(name);
      }
    }
  };
}
