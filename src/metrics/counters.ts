import { Counter } from "prom-client";
import type { LiveStatistics } from "../live/index.ts";
import type { ObservedLive, MetricRegistry } from "./observed.ts";

/** A counter of a live server: one figure, or one per value of a label. */
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
    help: "Accepted connections, by level",
    label: "level",
    by: ({ sessions }) => ({ 0: sessions.level0, 1: sessions.level1 }),
  },
  {
    name: "turned_away_total",
    help: "Connections refused with 4503",
    of: ({ turnedAway }) => turnedAway,
  },
  {
    name: "unauthorized_total",
    help: "Connections and requests whose credentials were refused or expired",
    of: ({ unauthorized }) => unauthorized,
  },
  {
    name: "received_messages_total",
    help: "Messages and requests from clients",
    of: ({ received }) => received,
  },
  {
    name: "log_writes_total",
    help: "Writes to connections; one write can contain many events",
    of: ({ writes }) => writes,
  },
  {
    name: "log_written_bytes_total",
    help: "Bytes of events written to connections",
    of: ({ writtenBytes }) => writtenBytes,
  },
  { name: "events_total", help: "Events appended to topics", of: ({ events }) => events },
  {
    name: "published_total",
    help: "Client publishes that were acknowledged",
    of: ({ published }) => published,
  },
  {
    name: "duplicate_publishes_total",
    help: "Client publishes that were already in the log",
    of: ({ duplicates }) => duplicates,
  },
  { name: "calls_total", help: "Calls by clients", of: ({ calls }) => calls },
  { name: "client_requests_total", help: "Requests to clients", of: ({ asked }) => asked },
  {
    name: "commands_total",
    help: "Commands that this server has ended, by state: done, failed, expired, ...",
    label: "state",
    by: ({ commands }) => commands,
  },
  {
    name: "closed_by_command_total",
    help: "Connections closed by command, or to spread the load",
    of: ({ closedByCommand }) => closedByCommand,
  },
  {
    name: "subscriptions_total",
    help: "Started subscriptions, by start: resumed, gap or fresh",
    label: "start",
    by: ({ starts }) => starts,
  },
  {
    name: "slow_gaps_total",
    help: "Gaps sent to log subscribers that were too slow",
    of: ({ slowGaps }) => slowGaps,
  },
  {
    name: "too_slow_total",
    help: "Level 0 connections closed because they were too slow",
    of: ({ tooSlow }) => tooSlow,
  },
  {
    name: "refusals_total",
    help: "Refused requests, by error code",
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
      // The counts are kept elsewhere, so the metric is set when it is collected.
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
