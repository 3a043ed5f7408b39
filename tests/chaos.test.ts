import { afterAll, describe, expect, test } from "vitest";
import { stopEngines } from "./brokers/engine-process.ts";
import { runChaos, type ChaosReport } from "./chaos/chaos.ts";
import { natsClusterEngine, natsEngine } from "./chaos/nats-engine.ts";
import { redisEngine } from "./chaos/redis-engine.ts";

/** `npm run chaos` sets these: see scripts/chaos.mjs. */
const { LONGWIRE_SECONDS = "60", LONGWIRE_SEED = "1", LONGWIRE_CLIENTS = "100" } = process.env;
const { LONGWIRE_RATE = "100", LONGWIRE_BROKER, LONGWIRE_FAULTS } = process.env;
const FOR_MS = Number(LONGWIRE_SECONDS) * 1_000;
const subscribers = Number(LONGWIRE_CLIENTS);
const eventsPerSecond = Number(LONGWIRE_RATE);
const seed = Number(LONGWIRE_SEED);

const engines = {
  redis: () => redisEngine({ durable: true }),
  nats: natsEngine,
  "nats-cluster": natsClusterEngine,
};
type EngineName = keyof typeof engines;
/** Three NATS servers are for longer runs: an election takes them as long as other faults together. */
const names: EngineName[] =
  LONGWIRE_BROKER === undefined ? ["redis", "nats"] : [LONGWIRE_BROKER as EngineName];
const tell = (line: string): void => {
  if (LONGWIRE_BROKER !== undefined) console.log(line);
};

afterAll(() => stopEngines());

const NOTHING_WRONG = {
  unkept: 0,
  appendedTwice: 0,
  outOfOrder: 0,
  lost: 0,
  doubled: 0,
  resent: 0,
  disordered: 0,
  invented: 0,
};

describe.each(names)("a cluster on %s", (name) => {
  const engine = engines[name];

  test(
    `whatever happens to it for ${LONGWIRE_SECONDS} s: nothing acknowledged is lost, nothing comes twice, order is kept, views are equal, presence is right`,
    { timeout: FOR_MS + 400_000 },
    async () => {
      const report = await runChaos({
        engine,
        seed,
        forMs: FOR_MS,
        subscribers,
        eventsPerSecond,
        tell,
        ...(LONGWIRE_FAULTS && { faults: LONGWIRE_FAULTS.split(",") as never }),
      });
      console.log(summary(name, report));
      expect(report.findings).toEqual(NOTHING_WRONG);
      // A broker that keeps what it acknowledges leaves nothing out.
      expect(report.gaps).toBe(0);
      expect(report.events).toBeGreaterThan(eventsPerSecond);
    },
  );
});

test.each(["drop", "double"] as const)(
  "the checker finds a broker that goes wrong once in 10,000 events (%s)",
  { timeout: 120_000 },
  async (does) => {
    const { findings } = await runChaos({
      engine: () => redisEngine({ durable: false }),
      seed,
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

function summary(name: string, report: ChaosReport): string {
  const { findings, faults, lateness, ...counts } = report;
  const happened = Object.entries(faults).map(([fault, times]) => `${times}x ${fault}`);
  return JSON.stringify({ name, seed, ...counts, lateness, findings, happened }, null, 2);
}
