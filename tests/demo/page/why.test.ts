import { describe, expect, test } from "vitest";
import { AgeSamples } from "../../../demo/page/src/why/age-samples.ts";
import { findingsOf } from "../../../demo/page/src/why/conclusion.ts";
import type { Figures, WayFigures } from "../../../demo/page/src/why/conclusion.ts";
import { recordsOfMessage } from "../../../demo/page/src/why/server-sent-events.ts";
import { linePath, RunLines, topOf } from "../../../demo/page/src/why/run-lines.ts";
import { recordsOf } from "../../../demo/page/src/why/way.ts";
import {
  handshakeBytes,
  wireCountsOf,
  wireSince,
} from "../../../demo/page/src/why/wire-figures.ts";

const way = (medianAgeMs: number, reports: number, bytes?: number): WayFigures => ({
  medianAgeMs,
  worstAgeMs: medianAgeMs,
  shownAgeMs: medianAgeMs + 500,
  reports,
  requests: 1,
  errors: 0,
  bytes,
  cpuMicros: undefined,
});

describe("ages", () => {
  test("a report that arrives twice is one report and two arrivals", () => {
    const samples = new AgeSamples(0);
    samples.add(1_000, 1_010);
    samples.add(1_000, 3_010);
    expect([samples.reports, samples.arrivals]).toEqual([1, 2]);
  });

  test("reports measured before the start are not counted", () => {
    const samples = new AgeSamples(5_000);
    samples.add(4_999, 5_100);
    expect(samples.reports).toBe(0);
    expect(samples.quantile(0.5)).toBeUndefined();
  });

  test("the data shown ages until the next report, averaged over every moment", () => {
    const samples = new AgeSamples(0);
    samples.add(1_000, 1_000);
    samples.add(2_000, 2_000);
    expect(samples.shownAge(3_000)).toBe(500);
  });

  test("the strip shows one minute", () => {
    const samples = new AgeSamples(0);
    samples.add(1_000, 1_010);
    samples.add(70_000, 70_010);
    expect(samples.strip(70_020)).toHaveLength(1);
  });

  test("a clock that is slightly ahead gives an age of 0, not a negative one", () => {
    const samples = new AgeSamples(0);
    samples.add(1_005, 1_000);
    expect(samples.quantile(0.5)).toBe(0);
  });
});

describe("the HTTP forms", () => {
  test("records are read from entries and events, and removals are left out", () => {
    const answer = { entries: [{ key: "a", offset: 1, data: { name: "a" } }, { key: "b" }] };
    expect(recordsOf(answer)).toEqual([{ name: "a" }]);
    expect(recordsOf({ events: [{ offset: 1, data: { name: "c" } }] })).toEqual([{ name: "c" }]);
    expect(recordsOf({})).toEqual([]);
  });

  test("server-sent events carry Level 1 messages: snapshot and event; others are ignored", () => {
    const snapshot = { type: "snapshot", entries: [{ key: "a", offset: 1, data: { name: "a" } }] };
    const event = { type: "event", offset: 2, key: "a", data: { name: "a", clients: 1 } };
    expect(recordsOfMessage(JSON.stringify(snapshot))).toEqual([{ name: "a" }]);
    expect(recordsOfMessage(JSON.stringify(event))).toEqual([{ name: "a", clients: 1 }]);
    expect(recordsOfMessage('{"type":"event","key":"a","removed":true}')).toEqual([]);
    expect(recordsOfMessage('{"type":"heartbeat"}')).toEqual([]);
    expect(recordsOfMessage("not JSON")).toEqual([]);
  });
});

describe("bytes on the wire", () => {
  test("only well-formed counts are used; others count as not measured", () => {
    const counts = wireCountsOf({
      sse: { requests: 1, bytesIn: 2, bytesOut: 3, cpuMicros: 4 },
      poll: { requests: 1, bytesIn: 2, bytesOut: 3, cpuMicros: null },
      broken: { requests: "1" },
      none: null,
    });
    expect(counts).toEqual({
      sse: { requests: 1, bytesIn: 2, bytesOut: 3, cpuMicros: 4 },
      poll: { requests: 1, bytesIn: 2, bytesOut: 3 },
    });
    expect(wireCountsOf("nothing")).toEqual({});
  });

  test("a run counts from its own start", () => {
    const before = { requests: 1, bytesIn: 100, bytesOut: 1_000 };
    const now = { requests: 3, bytesIn: 150, bytesOut: 1_700 };
    expect(wireSince(now, before)).toEqual({ requests: 2, bytesIn: 50, bytesOut: 700 });
    expect(wireSince(undefined, before)).toBeUndefined();
  });

  test("a handshake's size is the average of those that the server saw", () => {
    expect(handshakeBytes({ requests: 2, bytesIn: 800, bytesOut: 258 })).toBe(529);
    expect(handshakeBytes({ requests: 0, bytesIn: 0, bytesOut: 0 })).toBeUndefined();
  });
});

describe("the conclusion follows from the figures", () => {
  const usual: Figures = {
    poll: way(600, 10, 12_000),
    "long-poll": way(9, 20, 24_000),
    sse: way(6, 20, 8_000),
    websocket: way(4, 20, 6_000),
  };

  test("there is none before five reports have arrived over WebSocket", () => {
    expect(findingsOf({ ...usual, websocket: way(4, 4, 900) })).toEqual([{ kind: "waiting" }]);
  });

  test("the usual case: polling misses half, long polling costs bytes, SSE is as fresh", () => {
    expect(findingsOf(usual)).toEqual([
      { kind: "websocket", ageMs: 4, bytesPerReport: 300 },
      { kind: "poll", shownAgeMs: 1_100, socketShownAgeMs: 504, missedShare: 0.5 },
      { kind: "long-poll", ageMs: 9, factor: 4 },
      { kind: "sse", ageMs: 6, isAsFresh: true },
    ]);
  });

  test("unmeasured bytes are not compared", () => {
    const finding = findingsOf({ ...usual, "long-poll": way(9, 20) })[2];
    expect(finding).toEqual({ kind: "long-poll", ageMs: 9, factor: undefined });
  });

  test("it says so if WebSocket is not ahead", () => {
    const findings = findingsOf({ ...usual, websocket: way(900, 20, 6_000) });
    expect(findings.at(-1)).toEqual({ kind: "slow" });
  });
});

describe("lines over time", () => {
  test("they hold the newest minute, and leave out what is not known", () => {
    const run = new RunLines(60_000);
    for (const atMs of [0, 30_000, 70_000]) run.add(atMs, (id) => (id === "sse" ? undefined : 7));
    expect(run.lines.poll.map(({ atMs }) => atMs)).toEqual([30_000, 70_000]);
    expect(run.lines.sse).toEqual([]);
  });

  test("a value above the scale is drawn at its edge, and the scale ends at a round number", () => {
    const points = [
      { atMs: 0, value: 0 },
      { atMs: 10, value: 300 },
    ];
    const box = { width: 100, height: 10, fromMs: 0, toMs: 10, top: 200 };
    expect(linePath(points, box)).toBe("M0.0 10.0L100.0 0.0");
    const lines = { poll: points, "long-poll": [], sse: [], websocket: [] };
    expect([topOf(lines, 10), topOf(lines, 1_000)]).toEqual([500, 1_000]);
  });
});
