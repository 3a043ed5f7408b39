import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const HELP = `node scripts/fuzz.mjs [--seconds 60] [--first 1] | --seed 7

Reads random and broken streams with Longwire and with the package ws, in memory and over a socket
(tests/fuzz), for as long. Without --first it begins at a seed that no run had before, by the clock; a
failing seed is printed, and --seed replays it.`;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    first: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    seed: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}

for (const name of ["seconds", "first", "seed"]) {
  if (values[name] === undefined || /^\d{1,15}$/.test(values[name])) continue;
  console.error(`--${name} is ${values[name]}; give a whole number.`);
  process.exit(2);
}

process.chdir(new URL("..", import.meta.url).pathname);
if (values.seed === undefined) console.log(`From seed ${values.first} on.`);
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "tests/fuzz/fuzz.test.ts"],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      LONGWIRE_FUZZ_SECONDS: values.seconds,
      LONGWIRE_FUZZ_FIRST: values.first,
      ...(values.seed !== undefined && { LONGWIRE_FUZZ_SEED: values.seed }),
    },
  },
);
process.exitCode = status ?? 1;
