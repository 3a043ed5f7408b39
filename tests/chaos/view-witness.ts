import type { Position } from "../../src/topics/position.ts";
import type { KeyedRecord } from "./keyed-record.ts";
import { viewText } from "./view-text.ts";

export interface ViewCounts {
  /** Views that could be compared. */
  compared: number;
  /** Compared, and not what the topic was at their position. */
  wrong: number;
  /** At positions of which it is not known what the topic was there. */
  unknown: number;
}

/** The views of a keyed topic at each position that a client reported. */
export class ViewWitness {
  /** By epoch and offset: how often it was which view. */
  readonly #seen = new Map<string, Map<string, number>>();

  see({ epoch, offset }: Position, entries: Iterable<readonly [string, unknown]>): void {
    const at = `${epoch} ${offset}`;
    let views = this.#seen.get(at);
    if (views === undefined) this.#seen.set(at, (views = new Map()));
    const text = viewText(entries);
    views.set(text, (views.get(text) ?? 0) + 1);
  }

  /** @param record of the topic */
  check(record: KeyedRecord): ViewCounts {
    const counts: ViewCounts = { compared: 0, wrong: 0, unknown: 0 };
    const rest = new Map(this.#seen);
    for (const { offset, values } of record.states()) {
      const at = `${record.epoch} ${offset}`;
      const views = rest.get(at);
      if (views === undefined) continue;
      rest.delete(at);
      const truth = viewText(values);
      for (const [text, times] of views) {
        counts.compared += times;
        if (text !== truth) counts.wrong += times;
      }
    }
    for (const views of rest.values()) {
      for (const times of views.values()) counts.unknown += times;
    }
    return counts;
  }
}
