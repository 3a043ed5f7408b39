import { pairedRatio, spread } from "./statistics.mjs";

/**
 * @typedef {object} Line of a workload's table
 * @property {string} contender
 * @property {import("./statistics.mjs").Spread} [figure]
 * @property {Record<string, import("./statistics.mjs").Spread>} [columns] by their keys
 * @property {Record<string, import("./statistics.mjs").Spread>} [ratios] by whom they are taken to
 * @property {string[]} notes a note for the reader
 */

/**
 * @param {import("./results.mjs").WorkloadResult} result
 * @returns {Line[]}
 */
export function linesOf({ figure, columns, baselines, outcomes }) {
  const byRound = new Map(outcomes.map(({ contender, rounds }) => [contender, rounds]));
  const valuesOf = (name, key) => (byRound.get(name) ?? []).map((round) => round.figures?.[key]);
  return outcomes.map(({ contender, absent, rounds }) => {
    const values = valuesOf(contender, figure.key);
    const shown = {};
    for (const { key } of columns) shown[key] = spread(numbers(valuesOf(contender, key)));
    const ratios = {};
    for (const name of baselines) {
      const ratio = pairedRatio(values, valuesOf(name, figure.key));
      if (ratio !== undefined) ratios[name] = ratio;
    }
    const notes = new Set(rounds.flatMap((round) => round.notes ?? []));
    const failures = rounds.flatMap((round) => round.failed ?? []);
    if (failures.length > 0) {
      notes.add(`FAILED in ${failures.length} of ${rounds.length} rounds: ${failures[0]}`);
    }
    if (absent !== undefined) notes.add(absent);
    return {
      contender,
      figure: spread(numbers(values)),
      columns: shown,
      ratios,
      notes: [...notes],
    };
  });
}

/**
 * Whether others used the machine meanwhile: then contenders could run and had no core.
 *
 * @param {import("./results.mjs").WorkloadResult} result
 * @returns {string | undefined} a note for the reader
 */
export function disturbanceOf({ outcomes }) {
  const waited = outcomes.flatMap(({ rounds }) =>
    rounds.map((round) => round.figures?.waited ?? 0),
  );
  const most = Math.max(0, ...waited);
  if (most <= DISTURBED) return undefined;
  return `other work used the machine: processes waited for a core for up to ${Math.round(most * 100)} % of the time`;
}

/** A share of the time; without others on the machine it is some thousandths. */
const DISTURBED = 0.1;

function numbers(values) {
  return values.filter((value) => Number.isFinite(value));
}
