import { expect, test, vi } from "vitest";
import { simulateNodes, type NodesTally } from "./simulation/simulate-nodes.ts";

vi.mock("../../../src/brokers/nats/link/nats-link.ts", async () => {
  const { ModelledLink } = await import("./simulation/modelled-link.ts");
  return { NatsLink: ModelledLink };
});

/**
 * `LONGWIRE_SEED=7` replays one run, `LONGWIRE_SEEDS=5000` makes a twentieth of that, from
 * `LONGWIRE_FIRST` on: each of these has thousands of events.
 */
const { LONGWIRE_SEED, LONGWIRE_SEEDS = "200", LONGWIRE_FIRST = "1" } = process.env;
const first = Number(LONGWIRE_SEED ?? LONGWIRE_FIRST);
const count = LONGWIRE_SEED === undefined ? Math.ceil(Number(LONGWIRE_SEEDS) / 20) : 1;
const trace = (line: string): void => {
  if (LONGWIRE_SEED !== undefined) console.log(line);
};

test(
  `nodes on one NATS, under any faults and changes of a keyed topic's stream, have the same view at each position and at the end (${count} seeds)`,
  { timeout: 60_000 + count * 10_000 },
  async () => {
    const sum: Partial<NodesTally> = {};
    for (let seed = first; seed < first + count; seed += 1) {
      const tally = await simulateNodes(seed, trace).catch((cause: unknown) => {
        const message = cause instanceof Error ? cause.message : String(cause);
        const how = `replay with LONGWIRE_SEED=${seed} npx vitest run tests/brokers/nats/nats-simulation.test.ts`;
        throw new Error(`seed ${seed}: ${message.slice(0, 2_000)} (${how})`, { cause });
      });
      for (const name of Object.keys(tally) as (keyof NodesTally)[]) {
        sum[name] = (sum[name] ?? 0) + tally[name];
      }
    }
    if (LONGWIRE_SEED !== undefined || process.env["LONGWIRE_TALLY"]) console.log(sum);
    if (count < 10) return;
    // A world in which nothing happens would pass as well.
    for (const [name, times] of Object.entries(sum)) expect(times, name).toBeGreaterThan(5);
  },
);
