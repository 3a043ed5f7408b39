import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Histogram, type Registry } from "prom-client";
import type { LiveDiagnostics } from "../live/index.ts";
import type { MetricRegistry } from "./observed.ts";

/** In seconds: from a memory access to the point where users give up. */
const DURATIONS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** In seconds: from a page opened by mistake to a device that stays connected for a month. */
const LIFETIMES = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000];
/** In offsets: from none to more than a topic keeps by default. */
const MISSED = [0, 1, 10, 100, 1_000, 10_000, 100_000];

/** A histogram that is filled from a diagnostics channel. */
interface Fed<Name extends keyof LiveDiagnostics> {
  channel: Name;
  name: string;
  help: string;
  buckets: readonly number[];
  label?: string;
  observe(message: LiveDiagnostics[Name]): { value: number; of?: string };
}

function fed<Name extends keyof LiveDiagnostics>(histogram: Fed<Name>): Fed<Name> {
  return histogram;
}

const HISTOGRAMS = [
  fed({
    channel: "session.close",
    name: "connection_duration_seconds",
    help: "Lifetime of connections, by level",
    buckets: LIFETIMES,
    label: "level",
    observe: ({ durationMs, level }) => ({ value: durationMs / 1_000, of: String(level) }),
  }),
  fed({
    channel: "subscribe",
    name: "missed_offsets",
    help: "Offsets missed by a client when it resubscribed, by start of the subscription",
    buckets: MISSED,
    label: "start",
    observe: ({ missed, start }) => ({ value: missed, of: start }),
  }),
  fed({
    channel: "publish",
    name: "publish_duration_seconds",
    help: "Time the broker took to store a client's event",
    buckets: DURATIONS,
    observe: ({ durationMs }) => ({ value: durationMs / 1_000 }),
  }),
  fed({
    channel: "call",
    name: "call_duration_seconds",
    help: "Duration of calls, by method",
    buckets: DURATIONS,
    label: "method",
    observe: ({ durationMs, method }) => ({ value: durationMs / 1_000, of: method }),
  }),
  fed({
    channel: "lag",
    name: "event_loop_lag_seconds",
    help: "Lag of the event loop, measured once a second",
    buckets: DURATIONS,
    observe: ({ lagMs }) => ({ value: lagMs / 1_000 }),
  }),
] as const;

/** @returns a function that unsubscribes and removes the histograms from the registry */
export function feedHistograms(metrics: MetricRegistry): () => void {
  const stops = HISTOGRAMS.map((histogram) => feed(histogram as Fed<never>, metrics));
  return () => {
    for (const stop of stops) stop();
  };
}

function feed<Name extends keyof LiveDiagnostics>(
  source: Fed<Name>,
  { registry, prefix }: { registry: Registry; prefix: string },
): () => void {
  const { channel, name, help, buckets, label } = source;
  const histogram = new Histogram({
    name: prefix + name,
    help,
    buckets: [...buckets],
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
  });
  const onMessage = (message: unknown): void => {
    const { value, of } = source.observe(message as LiveDiagnostics[Name]);
    if (label === undefined || of === undefined) histogram.observe(value);
    else histogram.observe({ [label]: of }, value);
  };
  const full = `longwire.live.${channel}`;
  subscribe(full, onMessage);
  return () => {
    unsubscribe(full, onMessage);
    registry.removeSingleMetric(prefix + name);
  };
}
