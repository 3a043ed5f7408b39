import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { seededRun } from "./seeded-run.mjs";

const help = `npm run simulate -- [--seeds 5000] [--first 1] | --seed 7
npm run simulate -- --cluster [--nodes 6] [--clients 166667] [--lost 500000] [--cost 300] [--seed 7]

Runs both simulations of the live layer with as many seeds: the server against a model of its clients
that knows the contract (tests/live/simulation), and the server against the real client, on a clock
and a network in memory (tests/live/world). And with a twentieth of them several nodes on a modelled
NATS, which are cut off for longer than their topic's events are kept, and whose stream is purged
(tests/brokers/nats/simulation). Without --first they begin at a seed that no run had
before, by the clock; a failing seed is printed, and --seed replays it.

With --cluster: a region is gone, and its --lost clients come to the --nodes servers that are left,
which have --clients each. --cost is the CPU time that a server needs to accept a client, in µs. Clients
notice by a reset, all at once, or by silence.`;

if (process.argv.includes("--cluster")) simulateCluster();
else {
  seededRun({
    help,
    amount: { name: "seeds", value: "2000" },
    files: [
      "tests/live/simulation.test.ts",
      "tests/live/world.test.ts",
      "tests/brokers/nats/nats-simulation.test.ts",
    ],
  });
}

function simulateCluster() {
  const number = (value) => ({ type: "string", default: String(value) });
  const { values } = parseArgs({
    options: {
      cluster: { type: "boolean" },
      nodes: number(6),
      clients: number(166_667),
      lost: number(500_000),
      cost: number(300),
      seed: number(1),
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  for (const name of ["nodes", "clients", "lost", "cost", "seed"]) {
    const value = String(values[name]);
    if (/^[1-9]\d{0,8}$/.test(value)) continue;
    console.error(`--${name} is ${value}; give a whole number above 0.`);
    process.exit(2);
  }
  const herd = {
    seed: Number(values.seed),
    nodes: Number(values.nodes),
    clientsOfEach: Number(values.clients),
    lost: Number(values.lost),
    admitMicros: Number(values.cost),
  };
  process.chdir(new URL("..", import.meta.url).pathname);
  const run = ["run", "tests/live/herd.test.ts", "-t", "asked for", "--disable-console-intercept"];
  const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", ...run], {
    stdio: "inherit",
    env: { ...process.env, LONGWIRE_HERD: JSON.stringify(herd) },
  });
  process.exitCode = status ?? 1;
}
