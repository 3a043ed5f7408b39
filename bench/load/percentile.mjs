/** @param {Float64Array} sorted */
export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** @returns the figures of a latency's distribution, in µs */
export function latencyFigures(millis) {
  const sorted = Float64Array.from(millis).sort();
  return {
    p50: percentile(sorted, 0.5) * 1000,
    p99: percentile(sorted, 0.99) * 1000,
    p999: percentile(sorted, 0.999) * 1000,
  };
}
