import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Something that is measured; a file in `contenders/`.
 *
 * It is loaded by all processes, so its packages are imported only where a role starts.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} says what it is, for the results
 * @property {string[]} packages of the registry; it is missing where one of them is
 * @property {"node" | "bun"} [runtime] default `node`
 * @property {Record<string, string>} [env] its environment
 * @property {"nats" | "redis"} [engine] what it keeps its topics in, as `engines.mjs` starts it
 * @property {string} [compression] how permessage-deflate is set up
 * @property {Record<string, (options: any) => Promise<Started> | Started | void>} roles what it can do
 * @property {import("./load/live-dialogue.mjs").LiveDialogue} [live] how its live subscribers speak
 *
 * @typedef {object} Started
 * @property {number} port
 * @property {Record<string, (options: any) => unknown>} [commands] what it can be asked for
 */

const here = new URL("./", import.meta.url);

/** @type {Map<string, Contender>} */
export const contenders = new Map();
const files = readdirSync(new URL("contenders", here)).filter((file) => file.endsWith(".mjs"));
for (const file of files.sort(oursFirst)) {
  const { default: contender } = await import(`./contenders/${file}`);
  contenders.set(contender.name, contender);
}

/** @returns {string | undefined} why it cannot be measured */
export function missing({ packages, runtime }) {
  const lacking = packages.filter((name) => versionOf(name) === undefined);
  if (lacking.length > 0) return `missing: ${lacking.join(", ")} is not installed`;
  if (runtime === "bun" && bunProgram() === undefined) return "missing: bun has no program here";
  return undefined;
}

/** @returns {string} for the results, `ws 8.23.0 + bufferutil 4.1.0` */
export function versionsOf({ packages }) {
  return packages.map((name) => `${name} ${versionOf(name)}`).join(" + ");
}

/**
 * @param {Contender} contender
 * @param {string} node the Node program for those that run on Node
 * @returns {string[]} the command that runs it
 */
export function commandOf({ name, runtime }, node) {
  const program = runtime === "bun" ? [bunProgram()] : [node, "--expose-gc"];
  return [...program, fileURLToPath(new URL("under-test.mjs", here)), name];
}

function oursFirst(a, b) {
  const isOurs = (file) => file.startsWith("longwire");
  return isOurs(b) - isOurs(a) || a.length - b.length || a.localeCompare(b, "en");
}

function bunProgram() {
  // Its install script moves the program from the first place to the second, where scripts may run.
  const places = ["node_modules/@oven/bun-linux-x64/bin/bun", "node_modules/bun/bin/bun.exe"];
  const found = places.find((place) => existsSync(new URL(place, here)));
  return found && fileURLToPath(new URL(found, here));
}

function versionOf(name) {
  try {
    return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, here))).version;
  } catch {
    return undefined;
  }
}
