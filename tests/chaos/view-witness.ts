import type { TopicEvent } from "../../src/live/index.ts";
import type { Offset, Position } from "../../src/topics/position.ts";

type Entries = Iterable<readonly [string, unknown]>;

/** What views of a keyed topic were at each position that was told. */
export class ViewWitness {
  /** By epoch and offset: how often it was which view. */
  readonly #seen = new Map<string, Map<string, number>>();

  see({ epoch, offset }: Position, entries: Entries): void {
    const at = `${epoch} ${offset}`;
    let views = this.#seen.get(at);
    if (views === undefined) this.#seen.set(at, (views = new Map()));
    const text = viewText(entries);
    views.set(text, (views.get(text) ?? 0) + 1);
  }

  /** @param log each event of the topic in its order, from `start` on, and before it the state there */
  check(epoch: string, start: Offset, log: readonly TopicEvent[]): { seen: number; wrong: number } {
    const values = new Map<string, unknown>();
    const counts = { seen: 0, wrong: 0 };
    for (const { key = "", data, removed, offset } of log) {
      if (removed) values.delete(key);
      else values.set(key, data);
      const views = offset < start ? undefined : this.#seen.get(`${epoch} ${offset}`);
      if (views === undefined) continue;
      const truth = viewText(values);
      for (const [text, times] of views) {
        counts.seen += times;
        if (text !== truth) counts.wrong += times;
      }
    }
    return counts;
  }
}

export function viewText(entries: Entries): string {
  return JSON.stringify([...entries].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
