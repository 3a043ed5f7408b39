import { seededRun } from "./seeded-run.mjs";

const help = `node scripts/simulate.mjs [--seeds 5000] [--first 1] | --seed 7

Runs the simulation of the live layer (tests/live/simulation) with as many seeds. Without --first it
begins at one that no run had before, by the clock; a failing seed is printed, and --seed replays it.`;

seededRun({
  help,
  amount: { name: "seeds", value: "2000" },
  file: "tests/live/simulation.test.ts",
});
