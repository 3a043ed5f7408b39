import type { TopicEvent } from "../../src/live/index.ts";
import type { Offset, Position } from "../../src/topics/position.ts";
import { viewText } from "./view-text.ts";

type Values = Map<string, unknown>;

/** The views that a keyed topic had, at each offset at which they are known. */
export class KeyedRecord {
  #epoch: string | undefined;
  #newest: Offset = 0;
  /** The view is known after each step; between two it may not be. */
  readonly #steps: { offset: Offset; events: readonly TopicEvent[] }[] = [];
  readonly #values: Values = new Map();
  #failure: string | undefined;

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /**
   * Records what a broker told a follower while it opened the topic.
   *
   * The topic may be opened again after its follower has ended. Values that were replaced in
   * between are not reported, so the views at those offsets stay unknown. Every earlier record must
   * still be there.
   */
  open({ epoch, offset }: Position, told: readonly TopicEvent[]): void {
    const retained = told.filter((event) => event.offset <= offset);
    const isSame = (this.#epoch ?? epoch) === epoch && this.#newest <= offset;
    this.#epoch ??= epoch;
    const missed = retained.filter((event) => event.offset > this.#newest);
    while (missed[0]?.offset === this.#newest + 1) this.add(missed.shift()!);
    if (offset > this.#newest || this.#steps.length === 0) this.#step(offset, missed);
    const values: Values = new Map();
    apply(retained, values);
    if (!isSame || viewText(values) !== viewText(this.#values)) {
      this.fail(`offset ${offset} of epoch ${epoch} does not continue offset ${this.#newest}`);
    }
    for (const event of told.slice(retained.length)) this.add(event);
  }

  /** Records the event that follows the newest one. */
  add(event: TopicEvent): void {
    this.#step(event.offset, [event]);
  }

  /** From here on the record is of no use: `states` throws. */
  fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** Yields each known view in turn; the map changes with the next one. */
  *states(): Generator<{ offset: Offset; values: ReadonlyMap<string, unknown> }> {
    if (this.#failure !== undefined) {
      throw new Error(`The record of the keyed topic has failed: ${this.#failure}.`);
    }
    const values: Values = new Map();
    for (const { offset, events } of this.#steps) {
      apply(events, values);
      yield { offset, values };
    }
  }

  #step(offset: Offset, events: readonly TopicEvent[]): void {
    this.#steps.push({ offset, events });
    apply(events, this.#values);
    this.#newest = offset;
  }
}

function apply(events: readonly TopicEvent[], values: Values): void {
  for (const { key = "", data, removed } of events) {
    if (removed) values.delete(key);
    else values.set(key, data);
  }
}
