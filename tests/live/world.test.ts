import { expect, test } from "vitest";
import { runWorld, type WorldTally } from "./world/world.ts";

/**
 * `LONGWIRE_SEED=7` replays one run, `LONGWIRE_SEEDS=5000` makes as many, from `LONGWIRE_FIRST` on.
 */
const { LONGWIRE_SEED, LONGWIRE_SEEDS = "100", LONGWIRE_FIRST = "1" } = process.env;
const first = Number(LONGWIRE_SEED ?? LONGWIRE_FIRST);
const count = LONGWIRE_SEED === undefined ? Number(LONGWIRE_SEEDS) : 1;
const trace = (line: string): void => {
  if (LONGWIRE_SEED !== undefined) console.log(line);
};

test(
  `clients and a server under any faults: nothing is silently lost or duplicated, every view is right, every answered publish is stored once (${count} seeds)`,
  { timeout: 60_000 + count * 1_000 },
  async () => {
    const sum: Partial<WorldTally> = {};
    for (let seed = first; seed < first + count; seed += 1) {
      const tally = await runWorld(seed, trace).catch((cause: unknown) => {
        const message = cause instanceof Error ? cause.message : String(cause);
        const how = `replay with LONGWIRE_SEED=${seed} npx vitest run tests/live/world.test.ts`;
        throw new Error(`seed ${seed}: ${message.slice(0, 2_000)} (${how})`, { cause });
      });
      for (const name of Object.keys(tally) as (keyof WorldTally)[]) {
        sum[name] = (sum[name] ?? 0) + tally[name];
      }
    }
    if (LONGWIRE_SEED !== undefined || process.env["LONGWIRE_TALLY"]) console.log(sum);
    if (count < 100) return;
    // A world in which nothing happens would pass as well.
    for (const [name, times] of Object.entries(sum)) expect(times, name).toBeGreaterThan(5);
  },
);
