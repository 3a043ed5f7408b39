/** What each signal that is listened to leads to. */
const stepsOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs `step` when `signal` is aborted, unless the returned function is called before.
 *
 * A signal has one listener of ours, however many sockets wait for it: Node warns of a leak from
 * the eleventh on.
 */
export function onAbort(signal: AbortSignal, step: () => void): () => void {
  const known = stepsOf.get(signal);
  const steps = known ?? new Set();
  // The same function twice is two steps.
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
