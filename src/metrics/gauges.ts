import { Gauge } from "prom-client";
import type { LiveCensus } from "../live/index.ts";
import type { ObservedLive, MetricRegistry } from "./observe-live.ts";

/** What a live server holds at a moment: the metric, what it says, and its figure. */
const GAUGES: readonly [name: string, help: string, of: (census: LiveCensus) => number][] = [
  ["connections", "Open connections", ({ sessions }) => sessions],
  ["event_streams", "Open streams of server-sent events", ({ streams }) => streams],
  ["subscriptions", "Topics that connections follow", ({ subscriptions }) => subscriptions],
  [
    "waiting_connections",
    "Connections that are slower than what they are to get",
    ({ waiting }) => waiting,
  ],
  ["open_topics", "Topics that are open", ({ topics }) => topics],
  ["views", "Different params by which topics are narrowed", ({ views }) => views],
  ["owned_keys", "Keys that live with a connection", ({ ownedKeys }) => ownedKeys],
  ["log_bytes", "What the topics keep, in bytes", ({ logBytes }) => logBytes],
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

/** A census looks at every connection, and all gauges of a scrape are collected in one turn. */
function oncePerScrape(take: () => LiveCensus): () => LiveCensus {
  let taken: LiveCensus | undefined;
  return () => {
    if (taken === undefined) queueMicrotask(() => (taken = undefined));
    return (taken ??= take());
  };
}
