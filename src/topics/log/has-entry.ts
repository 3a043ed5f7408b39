import type { Payer } from "../slices/slice-queue.ts";
import type { Topic } from "../topic.ts";
import type { View } from "../fan-out/view.ts";
import type { Walk } from "./walk.ts";

/**
 * Finds out, in slices, whether a walk has anything to send.
 *
 * @param asked `payer` is charged for the time; default: the view
 */
export async function hasEntry(
  { slices }: Topic,
  asked: { view: View; walk: Walk; payer?: Payer },
): Promise<boolean> {
  const { view, payer = view } = asked;
  let { walk } = asked;
  if (!slices.hasTime) await slices.turn(payer);
  for (;;) {
    const probe = view.probe(walk);
    slices.charge(payer, probe.units);
    if (probe.kind !== "yield") return probe.kind === "found";
    ({ walk } = probe);
    await slices.turn(payer);
  }
}
