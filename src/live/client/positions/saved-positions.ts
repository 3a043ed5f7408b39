import { LongwireError } from "../../../base/index.ts";
import type { Position } from "../../../topics/index.ts";
import type { PositionStore } from "./position-store.ts";
import { report } from "../report.ts";

/** The positions of a client's feeds, as it uses them. */
export interface SavedPositions {
  /** @throws what the store throws */
  load(name: string): Promise<Position | undefined>;
  /** Returns a function that saves one feed's position. */
  saver(name: string): (position: Position) => unknown;
}

/**
 * Keeps the positions of log topics in a store, for the option `positions` of `connect`, so that
 * they outlive the page.
 */
export function savePositions(store: PositionStore): SavedPositions {
  return {
    load: (name) => loadPosition(store, name),
    saver: (name) => positionSaver(store, name),
  };
}

/**
 * A position of no existing log: the server answers with a gap, which reports that earlier events
 * are lost.
 */
const LOST: Position = { epoch: "lost", offset: 0 };

/**
 * Loads a feed's position. An invalid value is reported and dropped.
 *
 * @throws what the store throws, except the SyntaxError of a `JSON.parse`
 */
async function loadPosition(store: PositionStore, name: string): Promise<Position | undefined> {
  try {
    const position = await store.load(name);
    // A store may return null.
    if (!position) return undefined;
    const { epoch, offset } = position;
    if (typeof epoch === "string" && typeof offset === "number") return { epoch, offset };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  report(new LongwireError("bad_position", `Dropped an invalid position of "${name}".`));
  return LOST;
}

/**
 * Returns a function that saves one feed's position: one save at a time, then the newest position.
 */
function positionSaver(store: PositionStore, name: string): (position: Position) => Promise<void> {
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
        // Reported once, because a full store fails with every event.
        if (!isFailing) report(error);
        isFailing = true;
      }
    }
    isSaving = false;
  };
}
