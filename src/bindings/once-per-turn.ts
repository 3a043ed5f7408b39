/** Runs `notify`, now or later. */
export type Schedule = (notify: () => void) => void;

/**
 * Returns a function that is called after each change and runs `notify` once per turn of
 * `schedule`, however many changes there were.
 */
export function oncePerTurn(schedule: Schedule | undefined, notify: () => void): () => void {
  if (schedule === undefined) return notify;
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    schedule(() => {
      isDue = false;
      notify();
    });
  };
}
