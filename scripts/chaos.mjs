import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { install } from "./install.mjs";
import { installPrograms } from "./system-programs.mjs";

const help = `npm run chaos -- [--minutes 5] [--broker redis|nats|nats-cluster|disk|memory] [--clients 300]
                 [--rate 200] [--seed 7] [--faults NAME,NAME] [--cuts 2000]

Three nodes on a broker, publishers and as many subscribers on random nodes, and faults drawn from
the seed: nodes are killed, stopped and drained, the broker is killed, stopped and slow, networks are
cut and stalled. The brokers disk and memory are part of one node, so only faults of that node and
of its clients apply; memory has none that ends the node. In the end everything that every subscriber
was told is held against the log, and every view against the state (tests/chaos). --faults takes some
of those that tests/chaos/faults.ts names; without --seed it is one that no run had before.

Single connections are cut at random all the time. With --cuts, they are cut so often that there are
so many cuts after about two minutes, servers are killed more often, and the run goes on until it has
these cuts, 20 kills of servers (none with memory) and 20 kills of devices. --minutes is then the
longest time for that, and the run fails if it was too short.`;

/** The programs that each broker needs. */
const PROGRAMS = {
  redis: ["redis-server"],
  nats: ["nats-server"],
  "nats-cluster": ["nats-server"],
  disk: [],
  memory: [],
};

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    broker: { type: "string", default: "nats" },
    clients: { type: "string", default: "300" },
    rate: { type: "string", default: "200" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    faults: { type: "string" },
    cuts: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
for (const name of ["clients", "rate", "seed", "cuts"]) {
  if (values[name] === undefined) continue;
  if (/^[1-9]\d{0,11}$/.test(values[name])) continue;
  refuse(`--${name} is ${values[name]}; give a whole number above 0.`);
}
if (!/^\d{1,3}(\.\d+)?$/.test(values.minutes)) {
  refuse(`--minutes is ${values.minutes}; give a number such as 5 or 0.5.`);
}
const engines = Object.keys(PROGRAMS);
if (!engines.includes(values.broker)) {
  refuse(`--broker is ${values.broker}; give one of ${engines.join(", ")}.`);
}
process.chdir(new URL("..", import.meta.url).pathname);
install();
if (values.faults !== undefined) await checkFaults(values.faults.split(","));
installPrograms(PROGRAMS[values.broker]);
build();
console.log(`Seed ${values.seed}.`);
const file = `tests/chaos/on-${values.broker.split("-")[0]}.test.ts`;
const run = ["run", file, "--disable-console-intercept"];
const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", ...run], {
  stdio: "inherit",
  env: {
    ...process.env,
    LONGWIRE_SECONDS: String(Number(values.minutes) * 60),
    LONGWIRE_BROKER: values.broker,
    LONGWIRE_CLIENTS: values.clients,
    LONGWIRE_RATE: values.rate,
    LONGWIRE_SEED: values.seed,
    ...(values.faults !== undefined && { LONGWIRE_FAULTS: values.faults }),
    ...(values.cuts !== undefined && { LONGWIRE_CUTS: values.cuts }),
  },
});
process.exitCode = status ?? 1;

/** Refuses faults that cannot happen on the broker. */
async function checkFaults(names) {
  const { runnerImport } = await import("vite");
  const { module } = await runnerImport("./tests/chaos/faults.ts", { logLevel: "error" });
  const possible = module.faultsOn(values.broker);
  const wrong = names.find((name) => !possible.includes(name));
  if (wrong === undefined) return;
  const list = possible.map((name) => `"${name}"`).join(", ");
  refuse(`The fault "${wrong}" does not apply to --broker ${values.broker}; give some of ${list}.`);
}

function refuse(message) {
  console.error(message);
  process.exit(2);
}
