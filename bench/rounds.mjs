import { contenders, missing } from "./contenders.mjs";

/**
 * @typedef {object} Outcome of one contender in one workload
 * @property {string} contender
 * @property {(import("./measure.mjs").Measured | { failed: string })[]} rounds
 * @property {string} [absent] why it was not measured at all
 */

/**
 * Measures a workload: all contenders in each round, each round beginning with another one.
 *
 * @param {import("./workload.mjs").Workload} workload
 * @param {{ names: string[], rounds: number, host: import("./measure.mjs").Host, onRun: (text: string) => void }} options
 * @returns {Promise<Outcome[]>}
 */
export async function measureRounds(workload, { names, rounds, host, onRun }) {
  const outcomes = names.map((name) => ({ contender: name, rounds: [], absent: absent(name) }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < outcomes.length; turn += 1) {
      const outcome = outcomes[(turn + round) % outcomes.length];
      if (outcome.absent !== undefined) continue;
      onRun(`round ${round + 1} of ${rounds}: ${outcome.contender}`);
      await measureOnce(workload, outcome, host);
    }
  }
  return outcomes;
}

async function measureOnce(workload, outcome, host) {
  try {
    outcome.rounds.push(await workload.measure(contenders.get(outcome.contender), host));
  } catch (error) {
    if (error.isUnsupported) outcome.absent = `not supported: ${error.message}`;
    else outcome.rounds.push({ failed: error.message });
  }
}

function absent(name) {
  const contender = contenders.get(name);
  return contender === undefined ? "missing: there is no such contender" : missing(contender);
}
