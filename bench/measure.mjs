import { fileURLToPath } from "node:url";
import { commandOf } from "./contenders.mjs";
import { cores } from "./cores.mjs";
import { Subprocess } from "./subprocess.mjs";

const LOAD = fileURLToPath(new URL("load/main.mjs", import.meta.url));

/** A step that takes longer than this hangs; the longest ones take ten seconds. */
const STEP_MS = 60_000;

/**
 * @typedef {object} Measured
 * @property {Record<string, number>} figures
 * @property {string[]} [notes] what a reader of the figures must know
 *
 * @typedef {object} Host
 * @property {string} node the Node program that contenders run on
 * @property {boolean} [profile] whether it is looked where their time goes, which slows them
 *
 * @typedef {object} Processes the two of one measurement, both new
 * @property {number} pid of the process under test
 * @property {(role: string, options: object) => Promise<{ port: number }>} start
 * @property {(role: string, options: object) => Promise<{ port: number }>} startAnother
 *   beside the load, not measured
 * @property {(command: string) => Promise<any>} ask the process under test
 * @property {(load: string, options: object) => Promise<any>} load has the generator do something
 */

/**
 * Measures one contender once.
 *
 * @template Result
 * @param {{ name: string, contender: import("./contenders.mjs").Contender, host: Host }} run
 * @param {(processes: Processes) => Promise<Result>} steps
 * @returns {Promise<Result>}
 */
export async function withProcesses({ name, contender, host }, steps) {
  const underTest = new Subprocess(contender.name, commandOf(contender, host.node), {
    env: contender.env,
    core: cores?.underTest,
  });
  const generator = new Subprocess(`the load of ${name}`, [process.execPath, LOAD], {
    core: cores?.load,
  });
  const others = [];
  const { pid } = underTest;
  const isProfiled = host.profile && contender.runtime !== "bun";
  try {
    const measured = await steps({
      pid,
      start: async (role, options) => {
        const started = await underTest.request({ command: "start", role, options }, STEP_MS);
        // Not before: loading and compiling is not what is looked for.
        if (isProfiled) await underTest.request({ command: "profile" }, STEP_MS);
        return started;
      },
      startAnother: (role, options) => {
        const another = new Subprocess(contender.name, commandOf(contender, host.node), {
          env: contender.env,
          core: cores?.load,
        });
        others.push(another);
        return another.request({ command: "start", role, options }, STEP_MS);
      },
      ask: (command) => underTest.request({ command }, STEP_MS),
      load: (load, options) => generator.request({ load, options, pid }, STEP_MS),
    });
    if (isProfiled) {
      const path = `.cache/bench/${name}-${contender.name}.cpuprofile`;
      const request = { command: "profiled", options: path };
      measured.profile = { path, top: await underTest.request(request, STEP_MS) };
    }
    return measured;
  } catch (error) {
    // A connection that ended says less than why the server did.
    const { ending } = underTest;
    if (ending !== undefined && error.message !== ending) error.message += `; ${ending}`;
    throw error;
  } finally {
    await Promise.all([generator, underTest, ...others].map((each) => each.stop()));
  }
}

/**
 * The usual measurement of a server: it is started, loaded, and done.
 *
 * @param {{ name: string, contender: import("./contenders.mjs").Contender, host: Host }} run
 * @param {{ name: string, options: object }} server its role
 * @param {{ name: string, options: { target: object } }} load
 * @returns {Promise<Measured>}
 */
export function measureServer(run, server, load) {
  return withProcesses(run, async (processes) => {
    const { port } = await processes.start(server.name, server.options);
    const target = { ...load.options.target, port };
    return processes.load(load.name, { ...load.options, target });
  });
}
