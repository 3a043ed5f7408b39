import { afterAll, expect, test } from "vitest";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { runChaos, type ChaosReport, type Goals } from "./chaos.ts";
import type { Engine, EngineName } from "./engine.ts";
import { faultsOn, type FaultName } from "./faults.ts";
import { httpForms } from "./http-reader.ts";

/** `npm run chaos` sets these: see scripts/chaos.mjs. */
const { LONGWIRE_SECONDS, LONGWIRE_SEED, LONGWIRE_FAULTS, LONGWIRE_CUTS } = process.env;
const { LONGWIRE_CLIENTS = "100", LONGWIRE_RATE = "100" } = process.env;

export const NOTHING_WRONG: ChaosReport["findings"] = {
  unkept: 0,
  appendedTwice: 0,
  outOfOrder: 0,
  lost: 0,
  doubled: 0,
  resent: 0,
  disordered: 0,
  invented: 0,
  wrongViews: 0,
  wrongHttpViews: 0,
  commandsTwice: 0,
  commandsNotDone: 0,
  commandsDenied: 0,
  commandsDisordered: 0,
  revokedStillOpen: 0,
  revokedAccepted: 0,
  sentAfterClose: 0,
  revocationsLate: 0,
  revocationsOverdue: 0,
};

/** Kills of servers and of devices, for a run that goes on until there were so many cuts. */
const KILLS = 20;
/** Identities that are revoked at the same time: few where the run is part of `npm test`. */
const REVOKED_AT_ONCE = 12;
const REVOKED_AT_ONCE_IN_TEST = 2;

/** How the run goes that is part of `npm test`. */
interface UsualRun {
  /** How long faults happen. Default 30. */
  seconds?: number;
  /** Default 1. */
  seed?: number;
  /** The share of views that may be at positions whose true state is unknown. Default 0. */
  unknownShare?: number;
}

/** A cluster on an engine, and whatever may happen to it. */
export function testChaos(
  name: EngineName,
  engine: () => Promise<Engine>,
  { unknownShare = 0, ...usual }: UsualRun = {},
): void {
  const seconds = Number(LONGWIRE_SECONDS ?? usual.seconds ?? 20);
  const seed = Number(LONGWIRE_SEED ?? usual.seed ?? 1);
  const forMs = seconds * 1_000;
  const eventsPerSecond = Number(LONGWIRE_RATE);
  const faults = LONGWIRE_FAULTS?.split(",") as FaultName[] | undefined;
  const until =
    LONGWIRE_CUTS === undefined
      ? undefined
      : goalsOf(Number(LONGWIRE_CUTS), faults ?? faultsOn(name));
  afterAll(() => stopEngines());

  test(
    `a cluster on ${name} under any faults for ${seconds} s: nothing acknowledged is lost, nothing is duplicated, order is kept, views are equal, presence is right`,
    { timeout: forMs + 400_000 },
    async () => {
      const report = await runChaos({
        engine,
        seed,
        forMs,
        subscribers: Number(LONGWIRE_CLIENTS),
        eventsPerSecond,
        // On a busy machine a short run on one node has hardly begun to publish when its faults end.
        atLeastEvents: 2 * eventsPerSecond,
        revokedAtOnce: LONGWIRE_SECONDS === undefined ? REVOKED_AT_ONCE_IN_TEST : REVOKED_AT_ONCE,
        // A test must pass on a machine that is busy with others.
        areRevocationsTimed: LONGWIRE_SECONDS !== undefined,
        // Only where it was asked for does somebody watch.
        ...(LONGWIRE_SECONDS && { tell: (line) => console.log(line) }),
        ...(faults && { faults }),
        ...(until && { until }),
      });
      console.log(summary(name, seed, report));
      expect(report.findings).toEqual(NOTHING_WRONG);
      // A broker that keeps what it acknowledges leaves nothing out.
      expect(report.gaps).toBe(0);
      expect(report.views).toBeGreaterThan(100);
      expect(report.unknownViews).toBeLessThanOrEqual(report.views * unknownShare);
      for (const form of httpForms) expect(report.httpViews[form], form).toBeGreaterThan(10);
      expect(report.commands.given).toBeGreaterThan(20);
      expect(report.cuts.single + report.cuts.crowd).toBeGreaterThanOrEqual(until?.cuts ?? 1);
      expect(report.serverKills).toBeGreaterThanOrEqual(until?.serverKills ?? 0);
      expect(report.commands.deviceKills).toBeGreaterThanOrEqual(until?.deviceKills ?? 1);
      expect(report.revocations.connected.count).toBeGreaterThan(0);
      expect(report.abuserConnections).toBeGreaterThan(0);
      expect(report.events).toBeGreaterThan(eventsPerSecond);
    },
  );
}

function goalsOf(cuts: number, faults: readonly FaultName[]): Goals {
  const serverKills = faults.includes("node killed") ? KILLS : 0;
  return { cuts, serverKills, deviceKills: KILLS };
}

function summary(name: string, seed: number, report: ChaosReport): string {
  const { findings, faults, lateness, ...counts } = report;
  const happened = Object.entries(faults).map(([fault, times]) => `${times}x ${fault}`);
  return JSON.stringify({ name, seed, ...counts, lateness, findings, happened }, null, 2);
}
