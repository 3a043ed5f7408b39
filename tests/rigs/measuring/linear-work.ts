/**
 * Returns the processor time of one call, in microseconds: the minimum of a few, to reduce noise.
 */
function leastTime(work: () => void): number {
  let least = Infinity;
  for (let run = 0; run < 3; run += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

const FACTOR = 16;
/** Below this, the overhead of measuring dominates. */
const LEAST_MICROSECONDS = 1_000;

/** A limit between the growth of linear and of quadratic work, 16 and 256 times. */
export const LINEAR_GROWTH = 64;

/**
 * Returns how much longer `work` takes for a size 16 times as large, at most, up to a megabyte.
 *
 * Short sizes come first, so that quadratic work is detected before it takes minutes.
 */
export function growthOf(work: (size: number) => void): number {
  let most = 0;
  for (const size of [1024, 4 * 1024, 64 * 1024]) {
    let growth = growthAt(size, work);
    // A garbage collection or other load may disturb one measurement, but quadratic work is slow
    // every time.
    for (let again = 0; again < 2 && growth > LINEAR_GROWTH; again += 1) {
      growth = Math.min(growth, growthAt(size, work));
    }
    most = Math.max(most, growth);
    if (most > LINEAR_GROWTH) return most;
  }
  return most;
}

function growthAt(size: number, work: (size: number) => void): number {
  const small = leastTime(() => work(size));
  const large = leastTime(() => work(size * FACTOR));
  return large / Math.max(LEAST_MICROSECONDS, small);
}
