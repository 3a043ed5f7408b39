import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { Random } from "../rigs/random.ts";
import { runChaos, type ChaosReport } from "./chaos.ts";
import { NOTHING_WRONG } from "./chaos-run.ts";
import { Cluster, type Mutation } from "./cluster.ts";
import { CommandedDevices } from "./commanded-devices.ts";
import type { Engine } from "./engine.ts";
import { diskEngine, memoryEngine } from "./in-process-engine.ts";
import { redisEngine } from "./redis-engine.ts";
import { RevokedIdentities } from "./revoked-identities.ts";

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

async function wrongCluster(engine: Promise<Engine>, mutation: Mutation): Promise<Cluster> {
  const settings = { serverLeaseMs: 10_000, random: new Random(1), mutation };
  const cluster = await Cluster.start(await engine, settings);
  onTestFinished(() => cluster.close());
  return cluster;
}

test("servers that do not learn what others revoke are detected", async () => {
  const engine = redisEngine({ durable: false });
  const cluster = await wrongCluster(engine, { does: "keep-revoked" });
  const revoked = new RevokedIdentities(cluster, new Random(1));
  onTestFinished(() => revoked.close());
  revoked.begin(1);
  await expect.poll(() => revoked.open.length).toBe(1);
  await revoked.fallSilent(200);
  expect(revoked.check(false).revokedStillOpen).toBe(1);
});

test("commands that are carried out twice are detected", async () => {
  const cluster = await wrongCluster(memoryEngine(), { does: "repeat-commands" });
  const commanded = new CommandedDevices(cluster, new Random(1));
  onTestFinished(() => commanded.close());
  commanded.begin();
  await expect.poll(() => commanded.check().commandsTwice).toBeGreaterThan(0);
});
