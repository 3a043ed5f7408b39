import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

/**
 * Runs test files with random seeds: as many as the options say, or the one to replay.
 *
 * @param help what --help prints
 * @param amount the option that says how much is run, with its default
 * @param files the tests', which read `LONGWIRE_FIRST`, `LONGWIRE_SEED` and the amount, by its name
 */
export function seededRun({ help, amount, files }) {
  const { values } = parseArgs({
    options: {
      [amount.name]: { type: "string", default: amount.value },
      first: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
      seed: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  for (const name of [amount.name, "first", "seed"]) {
    if (values[name] === undefined || /^\d{1,15}$/.test(values[name])) continue;
    console.error(`--${name} is ${values[name]}; give a whole number.`);
    process.exit(2);
  }
  process.chdir(new URL("..", import.meta.url).pathname);
  if (values.seed === undefined) console.log(`From seed ${values.first} on.`);
  const { status } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", ...files],
    {
      stdio: "inherit",
      env: {
        ...process.env,
        [`LONGWIRE_${amount.name.toUpperCase()}`]: values[amount.name],
        LONGWIRE_FIRST: values.first,
        ...(values.seed !== undefined && { LONGWIRE_SEED: values.seed }),
      },
    },
  );
  process.exitCode = status ?? 1;
}
