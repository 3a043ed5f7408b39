import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";

const help = `node scripts/reliability.mjs [--clients 200] [--kills 20]

Real processes: as many clients over TCP, a live server that is killed with SIGKILL as often under
publish load and started again, and a network that is cut in between. It counts what was lost and
what came twice (tests/live/reliability.test.ts).`;

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "200" },
    kills: { type: "string", default: "20" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
for (const name of ["clients", "kills"]) {
  if (/^[1-9]\d{0,5}$/.test(values[name])) continue;
  console.error(`--${name} is ${values[name]}; give a whole number above 0.`);
  process.exit(2);
}
process.chdir(new URL("..", import.meta.url).pathname);
build();
const file = "tests/live/reliability.test.ts";
const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", file], {
  stdio: "inherit",
  env: { ...process.env, LONGWIRE_CLIENTS: values.clients, LONGWIRE_KILLS: values.kills },
});
process.exitCode = status ?? 1;
