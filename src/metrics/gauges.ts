import { Gauge } from "prom-client";
import type { LiveCensus } from "../live/index.ts";
import type { ObservedLive, MetricRegistry } from "./observed.ts";

/** The current state of a live server: each metric's name, help text and value. */
const GAUGES: readonly [name: string, help: string, of: (census: LiveCensus) => number][] = [
  ["connections", "Open connections", ({ sessions }) => sessions],
  ["event_streams", "Open streams of server-sent events", ({ streams }) => streams],
  ["subscriptions", "Subscriptions of all connections", ({ subscriptions }) => subscriptions],
  [
    "waiting_connections",
    "Connections with unsent events because they read too slowly",
    ({ waiting }) => waiting,
  ],
  ["open_topics", "Open topics", ({ topics }) => topics],
  ["views", "Distinct params by which topics are narrowed", ({ views }) => views],
  ["owned_keys", "Keys that are owned by a connection", ({ ownedKeys }) => ownedKeys],
  ["log_bytes", "Size of all topics' logs, in bytes", ({ logBytes }) => logBytes],
];

export function registerGauges(live: ObservedLive, { registry, prefix }: MetricRegistry): void {
  const census = oncePerScrape(() => live.census());
  for (const [name, help, of] of GAUGES) {
    const gauge: Gauge = new Gauge({
      name: prefix + name,
      help,
      registers: [registry],
      collect: () => gauge.set(of(census())),
    });
  }
}

/** A census visits every connection, and all gauges of a scrape are collected in one turn. */
function oncePerScrape(take: () => LiveCensus): () => LiveCensus {
  let taken: LiveCensus | undefined;
  return () => {
    if (taken === undefined) queueMicrotask(() => (taken = undefined));
    return (taken ??= take());
  };
}
