import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokers } from "../scripts/cluster/brokers.mjs";
import { freePort } from "../scripts/cluster/free-port.mjs";
import { cores, pinned } from "./cores.mjs";

const running = new Set();

/** Ends all that were started. */
export function killEngines() {
  for (const { child, folder } of running) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Starts what a contender keeps its topics in, on the core that is not measured.
 *
 * @param {"nats" | "redis"} name
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startEngine(name) {
  const { program, args, isReady } = brokers[name];
  const folder = mkdtempSync(join(tmpdir(), "longwire-bench-"));
  const port = await freePort();
  const [command, ...rest] = pinned(cores?.load, [program, ...args(port, folder)]);
  const child = spawn(command, rest);
  const engine = { child, folder };
  running.add(engine);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve, reject) => {
    let said = "";
    const hear = (text) => {
      said = (said + text).slice(-4_000);
      if (isReady.test(said)) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    void ended.then(() => reject(new Error(`${program} has ended: ${said}`)));
  });
  return {
    url: `${name}://127.0.0.1:${port}`,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      running.delete(engine);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
