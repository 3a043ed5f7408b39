import type { WayId } from "./way.ts";

/** One way's figures at one moment; undefined means not measured, or nothing arrived yet. */
export interface WayFigures {
  readonly medianAgeMs: number | undefined;
  readonly worstAgeMs: number | undefined;
  /** The age of what a page shows, averaged over time. */
  readonly shownAgeMs: number | undefined;
  readonly reports: number;
  readonly requests: number;
  readonly errors: number;
  readonly bytes: number | undefined;
  readonly cpuMicros: number | undefined;
}

export type Figures = Readonly<Record<WayId, WayFigures>>;

/** The conclusions from the figures, in order; the wording depends on the language. */
export type Finding =
  | { readonly kind: "waiting" }
  | { readonly kind: "slow" }
  | { readonly kind: "websocket"; readonly ageMs: number; readonly bytesPerReport: number }
  | {
      readonly kind: "poll";
      readonly shownAgeMs: number;
      readonly socketShownAgeMs: number;
      readonly missedShare: number;
    }
  | { readonly kind: "long-poll"; readonly ageMs: number; readonly factor: number | undefined }
  | { readonly kind: "sse"; readonly ageMs: number; readonly isAsFresh: boolean };

const enoughReports = 5;
/** A smaller difference is invisible, and the clocks are no more precise than this. */
const sameAgeMs = 25;

export function findingsOf(figures: Figures): Finding[] {
  const socket = figures.websocket;
  const ageMs = socket.medianAgeMs;
  const perReport = bytesPerReport(socket);
  if (ageMs === undefined || perReport === undefined || socket.reports < enoughReports) {
    return [{ kind: "waiting" }];
  }
  const found: Finding[] = [{ kind: "websocket", ageMs, bytesPerReport: perReport }];
  const { poll, sse } = figures;
  const longPoll = figures["long-poll"];
  const { shownAgeMs } = poll;
  const socketShownAgeMs = socket.shownAgeMs;
  if (shownAgeMs !== undefined && socketShownAgeMs !== undefined) {
    const missedShare = Math.max(0, 1 - poll.reports / socket.reports);
    found.push({ kind: "poll", shownAgeMs, socketShownAgeMs, missedShare });
  }
  if (longPoll.medianAgeMs !== undefined) {
    const longPollBytes = bytesPerReport(longPoll);
    const factor = longPollBytes === undefined ? undefined : longPollBytes / perReport;
    found.push({ kind: "long-poll", ageMs: longPoll.medianAgeMs, factor });
  }
  if (sse.medianAgeMs !== undefined) {
    const isAsFresh = sse.medianAgeMs - ageMs <= sameAgeMs;
    found.push({ kind: "sse", ageMs: sse.medianAgeMs, isAsFresh });
  }
  const others = [poll, longPoll, sse].map((way) => way.medianAgeMs ?? Number.POSITIVE_INFINITY);
  if (Math.min(...others) + sameAgeMs < ageMs) found.push({ kind: "slow" });
  return found;
}

export function bytesPerReport(way: WayFigures): number | undefined {
  if (way.bytes === undefined || way.reports === 0) return undefined;
  return way.bytes / way.reports;
}
