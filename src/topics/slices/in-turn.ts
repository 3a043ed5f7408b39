import type { Payer, SliceQueue } from "./slice-queue.ts";

/** What a short request costs, in units of a slice, beside a unit for each character. */
export const REQUEST_UNITS = 128;

/** What it costs to subscribe, which is also to make a view and to say where it begins. */
export const SUBSCRIBE_UNITS = 4_096;

/** What it costs to open a topic of a pattern that nobody had open. */
export const OPEN_UNITS = 8_192;

/**
 * Does something now if this turn of the event loop has time for it, else in a later turn, fairly
 * among payers. What needs no waiting so keeps its order, and costs no promise.
 *
 * @param units what it costs at most, see `SLICE_UNITS`
 */
export function inTurn<Result>(
  slices: SliceQueue,
  { payer, units }: { payer: Payer; units: number },
  act: () => Result | Promise<Result>,
): Result | Promise<Result> {
  if (slices.hasTime) {
    slices.charge(payer, units);
    return act();
  }
  return new Promise((resolve, reject) => {
    const runSlice = (): void => {
      slices.charge(payer, units);
      try {
        resolve(act());
      } catch (error) {
        reject(error);
      }
    };
    slices.enqueue(payer, { runSlice });
  });
}
