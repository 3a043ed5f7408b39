/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @typedef {{ min: number, median: number, max: number }} Spread
 * @param {number[]} values
 * @returns {Spread | undefined}
 */
export function spread(values) {
  if (values.length === 0) return undefined;
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/**
 * The ratio of two contenders, round by round: what disturbs the machine for longer than a run
 * disturbs both.
 *
 * @param {(number | undefined)[]} ours by round
 * @param {(number | undefined)[]} theirs
 */
export function pairedRatio(ours, theirs) {
  const ratios = ours
    .map((value, round) => value / theirs[round])
    .filter((ratio) => Number.isFinite(ratio));
  return spread(ratios);
}
