import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { pinning } from "./cores.mjs";

/** The machine on which the figures were measured. */
export function machine() {
  const processors = cpus();
  return {
    cpu: processors[0].model.trim(),
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    pinning,
  };
}

/** @returns {string} the commit, and whether there is more than it in the folder */
export function commit() {
  try {
    const hash = git("rev-parse", "--short=10", "HEAD");
    return git("status", "--porcelain", "--", "src") === "" ? hash : `${hash} with changes in src`;
  } catch {
    return "unknown";
  }
}

/** @returns {string} the version of a Node program */
export function nodeVersion(program) {
  return execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
}

function git(...args) {
  return execFileSync("git", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
