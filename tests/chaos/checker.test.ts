import { afterAll, describe, expect, test } from "vitest";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { runChaos, type ChaosReport } from "./chaos.ts";
import { NOTHING_WRONG } from "./chaos-run.ts";
import { diskEngine } from "./in-process-engine.ts";
import { redisEngine } from "./redis-engine.ts";

afterAll(() => stopEngines());

const options = { seed: 1, forMs: 0, subscribers: 10, eventsPerSecond: 5_000, faults: [] };

describe.each(["drop", "double"] as const)("a broker with deliberate faults (%s)", (does) => {
  function expectFound(findings: ChaosReport["findings"]): void {
    expect(findings).not.toEqual(NOTHING_WRONG);
    expect(does === "drop" ? findings.lost : findings.resent).toBeGreaterThan(0);
  }

  test("is detected with one faulty event in 10,000 on Redis", { timeout: 120_000 }, async () => {
    const { findings } = await runChaos({
      ...options,
      engine: () => redisEngine({ durable: false }),
      // Three nodes follow each event, and the first to go wrong does so at its 3,334th.
      atLeastEvents: 3_500,
      mutation: { does, every: 10_000 },
    });
    expectFound(findings);
  });

  test(
    "is detected with one faulty event in 1,000 on disk, also in views",
    { timeout: 120_000 },
    async () => {
      const { findings } = await runChaos({
        ...options,
        engine: diskEngine,
        atLeastEvents: 1_500,
        mutation: { does, every: 1_000 },
      });
      expectFound(findings);
      // An event that is applied twice leaves the view as it is.
      if (does === "drop") expect(findings.wrongViews).toBeGreaterThan(0);
    },
  );
});
