import { afterAll, expect, test } from "vitest";
import { stopEngines } from "../brokers/engine-process.ts";
import { runChaos } from "./chaos.ts";
import { NOTHING_WRONG } from "./chaos-run.ts";
import { redisEngine } from "./redis-engine.ts";

afterAll(() => stopEngines());

test.each(["drop", "double"] as const)(
  "the checker finds a broker that goes wrong once in 10,000 events (%s)",
  { timeout: 120_000 },
  async (does) => {
    const { findings } = await runChaos({
      engine: () => redisEngine({ durable: false }),
      seed: 1,
      forMs: 0,
      atLeastEvents: 7_000,
      subscribers: 10,
      eventsPerSecond: 5_000,
      faults: [],
      mutation: { does, every: 10_000 },
    });
    expect(findings).not.toEqual(NOTHING_WRONG);
    expect(does === "drop" ? findings.lost : findings.resent).toBeGreaterThan(0);
  },
);
