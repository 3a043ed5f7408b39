import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const HELP = `node scripts/simulate.mjs [--seeds 5000] [--first 1] | --seed 7

Runs the simulation of the live layer (tests/live/simulation) with as many seeds. Without --first it
begins at one that no run had before, by the clock; a failing seed is printed, and --seed replays it.`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "2000" },
    first: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    seed: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}

for (const name of ["seeds", "first", "seed"]) {
  if (values[name] === undefined || /^\d{1,15}$/.test(values[name])) continue;
  console.error(`--${name} is ${values[name]}; give a whole number.`);
  process.exit(2);
}

process.chdir(new URL("..", import.meta.url).pathname);
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "tests/live/simulation.test.ts"],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      LONGWIRE_SEEDS: values.seeds,
      LONGWIRE_FIRST: values.first,
      ...(values.seed !== undefined && { LONGWIRE_SEED: values.seed }),
    },
  },
);
process.exitCode = status ?? 1;
