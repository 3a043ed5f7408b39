import { Counter } from "prom-client";
import type { LiveStatistics } from "../live/index.ts";
import type { ObservedLive, MetricRegistry } from "./observe-live.ts";

/** What a live server has counted: a figure, or one for each value of a label. */
type Count =
  | { name: string; help: string; of: (statistics: LiveStatistics) => number }
  | {
      name: string;
      help: string;
      label: string;
      by: (statistics: LiveStatistics) => Partial<Record<string, number>>;
    };

const COUNTS: readonly Count[] = [
  {
    name: "connections_total",
    help: "Connections that were let in, by level",
    label: "level",
    by: ({ sessions }) => ({ 0: sessions.level0, 1: sessions.level1 }),
  },
  {
    name: "turned_away_total",
    help: "Connections that were turned away with 4503",
    of: ({ turnedAway }) => turnedAway,
  },
  {
    name: "unauthorized_total",
    help: "Connections and requests whose credentials were refused or ran out",
    of: ({ unauthorized }) => unauthorized,
  },
  {
    name: "received_messages_total",
    help: "Messages and requests from clients",
    of: ({ received }) => received,
  },
  {
    name: "log_writes_total",
    help: "Pieces of a log that were written to connections; one can hold many events",
    of: ({ writes }) => writes,
  },
  {
    name: "log_written_bytes_total",
    help: "Bytes of logs that were written to connections",
    of: ({ writtenBytes }) => writtenBytes,
  },
  { name: "events_total", help: "Events that topics got", of: ({ events }) => events },
  {
    name: "published_total",
    help: "Events of clients that were acknowledged",
    of: ({ published }) => published,
  },
  {
    name: "duplicate_publishes_total",
    help: "Publishes of clients that were in the log already",
    of: ({ duplicates }) => duplicates,
  },
  { name: "calls_total", help: "Calls of clients", of: ({ calls }) => calls },
  {
    name: "subscriptions_total",
    help: "Subscriptions that began, by how: resumed, with a gap, or fresh",
    label: "start",
    by: ({ starts }) => starts,
  },
  {
    name: "slow_gaps_total",
    help: "Gaps that subscribers of logs were told of because they were too slow",
    of: ({ slowGaps }) => slowGaps,
  },
  {
    name: "too_slow_total",
    help: "Level 0 connections that were closed because they were too slow",
    of: ({ tooSlow }) => tooSlow,
  },
  {
    name: "refusals_total",
    help: "Requests that were refused, by their error's code",
    label: "code",
    by: ({ refusals }) => refusals,
  },
];

export function registerCounters(
  { statistics }: ObservedLive,
  { registry, prefix }: MetricRegistry,
): void {
  for (const count of COUNTS) {
    const counter: Counter = new Counter({
      name: prefix + count.name,
      help: count.help,
      labelNames: "label" in count ? [count.label] : [],
      registers: [registry],
      // Counted elsewhere: what is told here is what it has come to.
      collect: () => {
        counter.reset();
        if ("of" in count) return counter.inc(count.of(statistics));
        for (const [value, times = 0] of Object.entries(count.by(statistics))) {
          counter.inc({ [count.label]: value }, times);
        }
      },
    });
  }
}
