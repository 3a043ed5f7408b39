/** The steps to run for each signal. */
const stepsOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs `step` when `signal` is aborted, unless the returned function is called first.
 *
 * Each signal gets only one listener, however many waits use it, because Node warns of a leak
 * from the eleventh listener on.
 */
export function onAbort(signal: AbortSignal, step: () => void): () => void {
  const known = stepsOf.get(signal);
  const steps = known ?? new Set();
  // Wrapped, so that adding the same function twice runs it twice.
  const own = (): void => step();
  steps.add(own);
  if (known === undefined) {
    stepsOf.set(signal, steps);
    signal.addEventListener("abort", runSteps, { once: true });
  }
  return () => {
    if (!steps.delete(own) || steps.size > 0) return;
    stepsOf.delete(signal);
    signal.removeEventListener("abort", runSteps);
  };
}

function runSteps(this: AbortSignal): void {
  const steps = stepsOf.get(this);
  stepsOf.delete(this);
  for (const step of steps ?? []) step();
}
