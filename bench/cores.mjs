import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

const allowed = allowedCores();

/**
 * Which core the process under test runs on, and which one the rest; undefined where there is no
 * choice, and then the results say so.
 */
export const cores =
  allowed.length > 1 ? { underTest: allowed.at(-1), load: allowed.at(-2) } : undefined;

/** The description in the results. */
export const pinning =
  cores === undefined
    ? `not pinned: ${availableParallelism() > 1 ? "no taskset" : "only one core"}`
    : `process under test on core ${cores.underTest}, load generator on core ${cores.load}`;

/** @returns {string[]} the command, made to run on `core` */
export function pinned(core, command) {
  return core === undefined ? command : ["taskset", "-c", String(core), ...command];
}

function allowedCores() {
  const { status, stdout } = spawnSync("taskset", ["-cp", String(process.pid)], {
    encoding: "utf8",
  });
  if (status !== 0) return [];
  const list = stdout.slice(stdout.lastIndexOf(":") + 1).trim();
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
