import { describe, expect, test } from "vitest";
import { runHerd, type HerdOptions } from "./herd/herd.ts";

/**
 * `npm run simulate -- --cluster` sets these: see there. The costs are those that docs/guides/scaling.md
 * plans with.
 */
const { LONGWIRE_HERD } = process.env;

const small: HerdOptions = {
  seed: 1,
  nodes: 2,
  clientsOfEach: 20_000,
  lost: 100_000,
  notice: "reset",
  admitMicros: 300,
  refuseMicros: 100,
  maxSessions: 1_000_000,
};
/** As long as the servers are busy with all of them, in seconds. */
const NEEDED = (small.lost * small.admitMicros) / small.nodes / 1e6;

describe("a region's clients move to the remaining servers", () => {
  test("all are back in little more than the time that the servers need for them, without wasted work", () => {
    const report = runHerd(small);
    expect(report.all).toBeGreaterThan(NEEDED);
    expect(report.all).toBeLessThan(3 * NEEDED);
    expect(report.inVain).toBe(0);
    // Those who were there do not wait behind all of them.
    expect(report.worstWait).toBeLessThan(0.5);
  });

  test("a seed replays identically", () => {
    expect(runHerd({ ...small, lost: 2_000 })).toEqual(runHerd({ ...small, lost: 2_000 }));
  });

  test("clients that notice by silence arrive spread over that time, and find room", () => {
    const report = runHerd({ ...small, lost: 50_000, notice: "silence" });
    expect(report.dropped).toBe(0);
    expect(report.worstWait).toBeLessThan(0.1);
  });

  test("full servers refuse the rest until there is room", () => {
    const herd = { ...small, lost: 10_000, maxSessions: 24_900 };
    expect(() => runHerd(herd)).toThrow("not all back");
    expect(runHerd({ ...herd, maxSessions: 25_005 }).turnedAway).toBeGreaterThan(0);
  });

  test("without jitter, clients are refused together, and it takes longer", () => {
    expect(runHerd({ ...small, without: "jitter" }).all).toBeGreaterThan(2 * runHerd(small).all);
  });

  test("without a bound on waiting clients, servers work for clients that have given up", () => {
    const report = runHerd({ ...small, without: "backlog" });
    expect(report.inVain).toBeGreaterThan(10_000);
    expect(report.worstWait).toBeGreaterThan(5);
  });
});

if (LONGWIRE_HERD !== undefined) {
  test("the herd with the requested parameters", { timeout: 600_000 }, () => {
    const given = JSON.parse(LONGWIRE_HERD) as Partial<HerdOptions>;
    for (const notice of ["reset", "silence"] as const) {
      console.log(notice, runHerd({ ...small, ...given, notice }));
    }
  });
}
