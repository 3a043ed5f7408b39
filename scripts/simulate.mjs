import { seededRun } from "./seeded-run.mjs";

const help = `node scripts/simulate.mjs [--seeds 5000] [--first 1] | --seed 7

Runs both simulations of the live layer with as many seeds: the server against a model of its clients
that knows the contract (tests/live/simulation), and the server against the real client, on a clock
and a network in memory (tests/live/world). Without --first they begin at a seed that no run had
before, by the clock; a failing seed is printed, and --seed replays it.`;

seededRun({
  help,
  amount: { name: "seeds", value: "2000" },
  files: ["tests/live/simulation.test.ts", "tests/live/world.test.ts"],
});
