import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { cores, pinning } from "../cores.mjs";
import { CpuTime } from "../cpu-time.mjs";
import { Subprocess } from "../subprocess.mjs";
import { stoppable } from "./stoppable.mjs";

const usage = `npm run bench:pairs -- CHECKOUT [WORKLOAD …]   what a change costs, against another checkout

  Both servers run at once, on one core, and are loaded by turns for an eighth of a second; so what
  disturbs the machine disturbs both. No two processes are alike, even of one build, so there are
  many pairs of them, and it is their ratios that the interval is of. Build both checkouts before.

  --pairs N    how many pairs of processes; default 30
  WORKLOAD     ${Object.keys(stoppable).join(", ")}; default all
`;

const SLICE_MS = 125;
/** Of each process. */
const SLICES = 8;
const WARM_UP_MS = 500;
const WARM_UPS = 3;
const START_MS = 20_000;
/** Of Student's distribution for 95 %, by degrees of freedom; with more, as with the last. */
const T = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12,
  2.11, 2.1, 2.09, 2.09,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: "string", default: "30" }, help: { type: "boolean", short: "h" } },
});
const [other, ...names] = positionals;
const count = Number(values.pairs);
const unknown = names.filter((name) => !Object.hasOwn(stoppable, name));

if (values.help) process.stdout.write(usage);
else if (other === undefined || unknown.length > 0 || !(count > 1)) end(usage);
else if (!existsSync(`${other}/dist`)) end(`There is no ${other}/dist; run npm run build there.\n`);
else await comparePairs();

function end(text) {
  process.stderr.write(text);
  process.exitCode = 2;
}

async function comparePairs() {
  const own = resolve(import.meta.dirname, "../..");
  // This process is the load generator.
  if (cores !== undefined) spawnSync("taskset", ["-cp", String(cores.load), String(process.pid)]);
  console.log(`Node ${process.version}, ${pinning}, ${count} pairs of processes`);
  for (const name of names.length > 0 ? names : Object.keys(stoppable)) {
    const pairs = [];
    while (pairs.length < count) pairs.push(await compare(stoppable[name], resolve(other), own));
    const [there, here] = [0, 1].map((at) => median(pairs.map((pair) => pair[at])).toFixed(2));
    console.log(`${name.padEnd(12)} ${there} -> ${here} CPU µs/message, ratio ${ratioOf(pairs)}`);
  }
  process.exit();
}

/**
 * @param {import("./stoppable.mjs").Stoppable} workload
 * @returns {Promise<number[]>} what a message costs a process of each
 */
async function compare(workload, other, own) {
  const sides = await Promise.all([other, own].map((root) => start(workload, root)));
  for (let turn = 0; turn < WARM_UPS; turn += 1) {
    for (const side of sides) await side.take(WARM_UP_MS);
  }
  const costs = [[], []];
  for (let turn = 0; turn < SLICES; turn += 1) {
    // The first may have it harder; so each is first as often.
    for (const at of turn % 2 === 0 ? [0, 1] : [1, 0]) {
      costs[at].push(await sides[at].take(SLICE_MS));
    }
  }
  for (const { flow, server } of sides) {
    flow.cut();
    await server.stop();
  }
  return costs.map(median);
}

async function start({ role, options, open }, root) {
  const command = [process.execPath, "bench/under-test.mjs", "longwire"];
  const server = new Subprocess(root, command, { cwd: root, core: cores?.underTest });
  const { port } = await server.request({ command: "start", role, options }, START_MS);
  const flow = await open(port);
  const cpu = new CpuTime(server.pid);
  const take = async (ms) => {
    cpu.lap();
    flow.start();
    await Promise.race([new Promise((done) => setTimeout(done, ms)), flow.failure]);
    const messages = await flow.stop();
    return cpu.lap() / messages;
  };
  return { server, flow, take };
}

/** The geometric mean, and between what it lies with 95 %. */
function ratioOf(pairs) {
  const logs = pairs.map(([there, here]) => Math.log(here / there));
  const mean = sum(logs) / logs.length;
  const variance = sum(logs.map((log) => (log - mean) ** 2)) / (logs.length - 1);
  const half = T[Math.min(logs.length - 2, T.length - 1)] * Math.sqrt(variance / logs.length);
  const [middle, low, high] = [mean, mean - half, mean + half].map((log) =>
    Math.exp(log).toFixed(3),
  );
  return `${middle} [${low}-${high}]`;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}
