import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @param {string} [choice] a major version, or the path of a program; default: this Node
 * @returns {string} the Node program that contenders run on
 * @throws where there is none
 */
export function nodeProgram(choice) {
  if (choice === undefined || choice === process.versions.node.split(".")[0]) {
    return process.execPath;
  }
  if (choice.includes("/")) {
    if (existsSync(choice)) return choice;
    throw usageError(`--node: there is no ${choice}`);
  }
  const installed = new URL(`node_modules/node-${choice}/bin/node`, import.meta.url);
  if (existsSync(installed)) return fileURLToPath(installed);
  throw usageError(`--node: Node ${choice} is not installed; give the path of its program`);
}

function usageError(message) {
  return Object.assign(new Error(message), { isUsage: true });
}
