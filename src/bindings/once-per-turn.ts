/** Runs `tell`, now or later. */
export type Schedule = (tell: () => void) => void;

/**
 * Makes of a function that is to be called after each change one that is called once per turn of
 * `schedule`, however many changes there were until then.
 */
export function oncePerTurn(schedule: Schedule | undefined, tell: () => void): () => void {
  if (schedule === undefined) return tell;
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    schedule(() => {
      isDue = false;
      tell();
    });
  };
}
