import type { Registry } from "prom-client";
import { registerCounters } from "./counters.ts";
import { registerGauges } from "./gauges.ts";
import { feedHistograms } from "./histograms.ts";
import type { ObservedLive } from "./observed.ts";

export interface ObserveOptions {
  /** Where the metrics are registered; the default registry of `prom-client` is `register`. */
  registry: Registry;
  /** The prefix of the metrics' names. Default `longwire_live_`. */
  prefix?: string;
}

/**
 * Registers a live server's metrics with `prom-client`, for Prometheus to scrape.
 *
 * Counters and gauges are read when they are scraped and cost nothing in between. Histograms are
 * filled from the diagnostics channels of all live servers in this process.
 *
 * @returns a function that removes the metrics from the registry
 * @throws the error of `prom-client` if a name is already registered
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
