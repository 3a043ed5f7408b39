import { spawnSync } from "node:child_process";
import { contenders, missing, versionsOf } from "./contenders.mjs";
import { cores, pinning } from "./cores.mjs";
import { reportFailures } from "./failures.mjs";
import { commit, machine, nodeVersion } from "./machine.mjs";
import { nodeProgram } from "./node-program.mjs";
import { writeResults } from "./results.mjs";
import { measureRounds } from "./rounds.mjs";
import { killEngines } from "./engines.mjs";
import { killAll } from "./subprocess.mjs";
import { profilesOf, tableOf } from "./table.mjs";
import { sizes } from "./workload.mjs";
import { workloadsOf } from "./workloads/index.mjs";

const ROUNDS = 3;
const BASELINES = ["ws", "uwebsockets"];

/** Shows what there is to choose from. */
export function list() {
  console.log("workloads");
  for (const { name, alias, says } of workloadsOf(sizes.full)) {
    console.log(`  ${(alias ? `${name} (${alias})` : name).padEnd(24)} ${says}`);
  }
  console.log("\ncontenders");
  for (const contender of contenders.values()) {
    const state = missing(contender) ?? versionsOf(contender);
    console.log(`  ${contender.name.padEnd(24)} ${contender.says} ${state && `(${state})`}`);
  }
}

/**
 * Measures, shows, and writes the results.
 *
 * @param {ReturnType<typeof import("./options.mjs").parseOptions>} options
 */
export async function bench(options) {
  endWithUs();
  const started = performance.now();
  const host = { node: nodeProgram(options.node), profile: options.profile };
  const version = nodeVersion(host.node);
  const chosen = choose(options);
  if (cores !== undefined) pinThis();
  console.log(`Node ${version.slice(1)}, ${pinning}\n`);
  const results = [];
  for (const workload of chosen) results.push(await measureWorkload(workload, options, host));
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`${chosen.length} workloads in ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
  const path = outputOf(options, version);
  if (path !== undefined) write(path, version, results);
  reportFailures(results, options.smoke === true);
}

function write(path, version, results) {
  const known = Object.fromEntries(
    [...contenders.values()].map((contender) => [contender.name, described(contender)]),
  );
  writeResults(path, {
    node: version,
    machine: machine(),
    contenders: known,
    workloads: results,
  });
  console.log(`written to ${path}`);
}

async function measureWorkload(workload, options, host) {
  const { name, alias, says, figure, columns = [], baselines = BASELINES } = workload;
  const names = namesFor(workload, options);
  const isOnce = options.smoke || options.profile;
  const rounds = isOnce ? 1 : (options.rounds ?? workload.rounds ?? ROUNDS);
  const outcomes = await measureRounds(workload, {
    names,
    rounds,
    host,
    onRun: (text) => progress(`${name}, ${text}`),
  });
  progress("");
  const result = {
    name,
    alias,
    says,
    figure,
    columns,
    baselines,
    method: workload.method,
    date: new Date().toISOString().slice(0, 16),
    commit: commit(),
    outcomes,
  };
  console.log(tableOf(result));
  if (options.profile) console.log(profilesOf(outcomes));
  return result;
}

function namesFor({ contenders: usual }, { against, smoke }) {
  if (smoke) return ["longwire", "ws"].filter((name) => usual.includes(name));
  return against === undefined ? usual : [...new Set(["longwire", ...against])];
}

function choose({ workloads: wanted, smoke }) {
  const all = workloadsOf(smoke ? sizes.smoke : sizes.full);
  if (wanted.length === 0) return all;
  return wanted.map((word) => {
    const found = all.find(({ name, alias }) => name === word || alias === word);
    if (found !== undefined) return found;
    console.error(`bench: there is no workload ${word}; see --list`);
    return process.exit(2);
  });
}

/** Only a whole run is written unasked: a part of one would make the whole look newer than it is. */
function outputOf({ out, smoke, profile, workloads, against, rounds }, version) {
  if (profile) return undefined;
  if (out !== undefined) return out;
  if (smoke || workloads.length > 0 || against || rounds) return undefined;
  return `bench/results/node-${version.slice(1).split(".")[0]}.json`;
}

function described(contender) {
  const { says, compression } = contender;
  return { says, versions: missing(contender) ?? versionsOf(contender), compression };
}

/** Nothing that was started outlives this process. */
function endWithUs() {
  process.on("exit", killAll);
  process.on("exit", killEngines);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      killAll();
      process.exit(130);
    });
  }
}

/** This process is idle while it is measured, but what it does is not done beside the server. */
function pinThis() {
  spawnSync("taskset", ["-acp", String(cores.load), String(process.pid)]);
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}
