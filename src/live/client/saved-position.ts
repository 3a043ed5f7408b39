import type { Position } from "../position.ts";
import type { PositionStore } from "./options.ts";
import { report } from "./report.ts";

/** Returns what saves one feed's position: one at a time, and of those that wait the newest. */
export function positionSaver(
  store: PositionStore,
  name: string,
): (position: Position) => Promise<void> {
  let wanted: Position | undefined;
  let isSaving = false;
  return async (position) => {
    wanted = position;
    if (isSaving) return;
    isSaving = true;
    while (wanted !== undefined) {
      const next: Position = wanted;
      wanted = undefined;
      try {
        await store.save(name, next);
      } catch (error) {
        report(error);
      }
    }
    isSaving = false;
  };
}
