import { expect, test } from "vitest";
import { simulate, type Tally } from "./simulation/simulate.ts";

/**
 * `LONGWIRE_SEED=7` replays one run, `LONGWIRE_SEEDS=5000` makes as many, from `LONGWIRE_FIRST` on.
 */
const { LONGWIRE_SEED, LONGWIRE_SEEDS = "100", LONGWIRE_FIRST = "1" } = process.env;
const first = Number(LONGWIRE_SEED ?? LONGWIRE_FIRST);
const count = LONGWIRE_SEED === undefined ? Number(LONGWIRE_SEEDS) : 1;

test(
  `under any faults, no subscriber silently misses an event, receives one twice or has a wrong state (${count} seeds)`,
  { timeout: 60_000 + count * 500 },
  async () => {
    const sum: Tally = {
      events: 0,
      cuts: 0,
      restarts: 0,
      stalls: 0,
      tooSlow: 0,
      abusersCut: 0,
      clocksSet: 0,
      sleeps: 0,
      answered: 0,
      unanswered: 0,
      leasesHeld: 0,
      tokensExpired: 0,
      tokensRefused: 0,
      tokensRefreshed: 0,
    };
    for (let seed = first; seed < first + count; seed += 1) {
      const tally = await simulate(seed).catch((cause: unknown) => {
        const message = cause instanceof Error ? cause.message : String(cause);
        const how = `replay with LONGWIRE_SEED=${seed} npx vitest run tests/live/simulation.test.ts`;
        throw new Error(`seed ${seed}: ${message.slice(0, 2_000)} (${how})`, { cause });
      });
      for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += tally[name];
    }
    if (count < 100) return;
    // A simulation in which nothing happens would pass as well.
    for (const name of Object.keys(sum) as (keyof Tally)[])
      expect(sum[name], name).toBeGreaterThan(5);
  },
);
