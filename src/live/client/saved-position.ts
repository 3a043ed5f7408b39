import { LongwireError } from "../../base/index.ts";
import type { Position } from "../../topics/index.ts";
import type { PositionStore } from "./options.ts";
import { report } from "./report.ts";

/** Of no log: the server answers with a gap that says that what came before now is lost. */
const LOST: Position = { epoch: "lost", offset: 0 };

/**
 * Loads a feed's position. A value that is not one is reported and dropped.
 *
 * @throws what the store throws, except the SyntaxError of a `JSON.parse`
 */
export async function loadPosition(
  store: PositionStore,
  name: string,
): Promise<Position | undefined> {
  try {
    const position = await store.load(name);
    // A store may well say null.
    if (!position) return undefined;
    const { epoch, offset } = position;
    if (typeof epoch === "string" && typeof offset === "number") return { epoch, offset };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  report(new LongwireError("bad_position", `The position kept for "${name}" is dropped.`));
  return LOST;
}

/** Returns what saves one feed's position: one at a time, and of those that wait the newest. */
export function positionSaver(
  store: PositionStore,
  name: string,
): (position: Position) => Promise<void> {
  let wanted: Position | undefined;
  let isSaving = false;
  let isFailing = false;
  return async (position) => {
    wanted = position;
    if (isSaving) return;
    isSaving = true;
    while (wanted !== undefined) {
      const next: Position = wanted;
      wanted = undefined;
      try {
        await store.save(name, next);
        isFailing = false;
      } catch (error) {
        // A store that is full fails with every event.
        if (!isFailing) report(error);
        isFailing = true;
      }
    }
    isSaving = false;
  };
}
