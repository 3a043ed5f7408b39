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

describe("a region's clients come to the servers that are left", () => {
  test("all are back in not much more than the time that the servers need for them, and nothing is done in vain", () => {
    const report = runHerd(small);
    expect(report.all).toBeGreaterThan(NEEDED);
    expect(report.all).toBeLessThan(3 * NEEDED);
    expect(report.inVain).toBe(0);
    // Those who were there do not wait behind all of them.
    expect(report.worstWait).toBeLessThan(0.5);
  });

  test("a seed replays to the same", () => {
    expect(runHerd({ ...small, lost: 2_000 })).toEqual(runHerd({ ...small, lost: 2_000 }));
  });

  test("when they notice by silence they come spread over it, and find room", () => {
    const report = runHerd({ ...small, lost: 50_000, notice: "silence" });
    expect(report.dropped).toBe(0);
    expect(report.worstWait).toBeLessThan(0.1);
  });

  test("servers that have as many as they can have turn the rest away, until there is room", () => {
    const herd = { ...small, lost: 10_000, maxSessions: 24_900 };
    expect(() => runHerd(herd)).toThrow("not all back");
    expect(runHerd({ ...herd, maxSessions: 25_005 }).turnedAway).toBeGreaterThan(0);
  });

  test("without jitter they stand before closed doors together, and it takes longer", () => {
    expect(runHerd({ ...small, without: "jitter" }).all).toBeGreaterThan(2 * runHerd(small).all);
  });

  test("without a bound on who waits, servers work for those who have given up", () => {
    const report = runHerd({ ...small, without: "backlog" });
    expect(report.inVain).toBeGreaterThan(10_000);
    expect(report.worstWait).toBeGreaterThan(5);
  });
});

if (LONGWIRE_HERD !== undefined) {
  test("the herd that was asked for", { timeout: 600_000 }, () => {
    const given = JSON.parse(LONGWIRE_HERD) as Partial<HerdOptions>;
    for (const notice of ["reset", "silence"] as const) {
      console.log(notice, runHerd({ ...small, ...given, notice }));
    }
  });
}
