import type { Payer, SliceQueue } from "./slice-queue.ts";

/** The cost of a short request, in units of a slice, plus one unit per character. */
export const REQUEST_UNITS = 128;

/** The cost of a subscription, including its view and starting position. */
export const SUBSCRIBE_UNITS = 4_096;

/** The cost of opening a pattern's topic. */
export const OPEN_UNITS = 8_192;

/**
 * Runs `act` immediately if this turn of the event loop has time, otherwise in a later turn, fairly
 * among payers. In the immediate case, the order is kept and no promise is created.
 *
 * @param units the highest cost, see `SLICE_UNITS`
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
