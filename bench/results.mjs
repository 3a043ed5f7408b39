import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * @typedef {object} WorkloadResult one workload's part of a results file
 * @property {string} name
 * @property {string} [alias]
 * @property {string} says
 * @property {import("./workload.mjs").Column} figure
 * @property {import("./workload.mjs").Column[]} columns
 * @property {string[]} baselines
 * @property {Record<string, unknown>} method
 * @property {string} date
 * @property {string} commit of Longwire
 * @property {import("./rounds.mjs").Outcome[]} outcomes
 *
 * @typedef {object} Results
 * @property {string} node its version
 * @property {Record<string, unknown>} machine
 * @property {Record<string, { says: string, versions: string }>} contenders
 * @property {WorkloadResult[]} workloads
 */

/** @returns {Results | undefined} */
export function readResults(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/**
 * Writes what was measured; what the file has of other workloads stays, with its own date.
 *
 * @param {string} path
 * @param {Results} results
 */
export function writeResults(path, results) {
  const before = readResults(path);
  const merged = { ...results, contenders: { ...before?.contenders, ...results.contenders } };
  const measured = new Map(results.workloads.map((workload) => [workload.name, workload]));
  const kept = (before?.workloads ?? []).map((workload) => measured.get(workload.name) ?? workload);
  const known = new Set(kept.map(({ name }) => name));
  merged.workloads = [...kept, ...results.workloads.filter(({ name }) => !known.has(name))];
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${compact(merged)}\n`);
}

/** Indented, but a round in one line and with no more digits than say something. */
function compact(results) {
  const lines = [];
  const text = JSON.stringify(
    results,
    (key, value) => {
      if (typeof value === "number") return Number(value.toPrecision(5));
      if (key !== "rounds" || !Array.isArray(value)) return value;
      return value.map((round) => {
        lines.push(JSON.stringify(round, (_, part) => shortened(part)));
        return `@${lines.length - 1}@`;
      });
    },
    2,
  );
  return text.replaceAll(/"@(\d+)@"/g, (_, index) => lines[index]);
}

function shortened(value) {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}
